import { runtimeContract } from '../support/runtime-contract.ts';

runtimeContract('external-native');
