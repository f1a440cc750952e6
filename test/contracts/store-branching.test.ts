/** What branching needs of the store, kept by both engines. */
import { onBothEngines } from '../store/contract/both-engines.ts';
import { branchContract } from '../store/contract/branch-contract.ts';
import { replacementContract } from '../store/contract/replacement-contract.ts';
import { textSearchContract } from '../store/contract/text-search-contract.ts';

onBothEngines('branching', [replacementContract, branchContract, textSearchContract]);
