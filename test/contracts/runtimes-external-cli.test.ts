import { runtimeContract } from '../support/runtime-contract.ts';

runtimeContract('external-cli');
