/** The store's port, kept by both engines: one suite, run on a SQLite file and on a real PostgreSQL. */
import { accountContract } from '../store/contract/account-contract.ts';
import { onBothEngines } from '../store/contract/both-engines.ts';
import { chatContract } from '../store/contract/chat-contract.ts';
import { clusterContract } from '../store/contract/cluster-contract.ts';
import { credentialContract } from '../store/contract/credential-contract.ts';
import { eraseContract } from '../store/contract/erase-contract.ts';
import { historyVersionContract } from '../store/contract/history-version-contract.ts';
import { messageContract } from '../store/contract/message-contract.ts';
import { searchContract } from '../store/contract/search-contract.ts';
import { sessionFileContract } from '../store/contract/session-file-contract.ts';
import { acceptContract } from '../store/contract/turn-accept-contract.ts';
import { turnContract } from '../store/contract/turn-contract.ts';
import { turnEndContract } from '../store/contract/turn-end-contract.ts';
import { webSessionContract } from '../store/contract/web-session-contract.ts';

onBothEngines('the store', [
  accountContract,
  credentialContract,
  webSessionContract,
  chatContract,
  searchContract,
  messageContract,
  acceptContract,
  turnContract,
  turnEndContract,
  historyVersionContract,
  sessionFileContract,
  eraseContract,
  clusterContract,
]);
