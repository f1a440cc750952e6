import { runtimeContract } from '../support/runtime-contract.ts';

runtimeContract('isolated');
