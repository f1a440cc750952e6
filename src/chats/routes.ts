/** Every route of this room, for the composition root. */

import type { TypedApp } from '../wire/typed-app.ts';
import { askRoutes } from './ask-routes.ts';
import { branchRoutes } from './branch-routes.ts';
import type { ChatDependencies } from './chat-dependencies.ts';
import { chatRoutes } from './chat-routes.ts';
import { exportRoutes } from './export-routes.ts';
import { forkRoutes } from './fork-routes.ts';
import { importRoutes } from './import-routes.ts';
import { messageRoutes } from './message-routes.ts';
import { modelRoutes } from './model-routes.ts';
import { searchRoutes } from './search-routes.ts';
import { turnRoutes } from './turn-routes.ts';
import { userEventRoutes } from './user-event-routes.ts';

export function registerChatRoutes(app: TypedApp, deps: ChatDependencies): void {
  for (const register of [
    chatRoutes,
    messageRoutes,
    branchRoutes,
    forkRoutes,
    importRoutes,
    searchRoutes,
    askRoutes,
    turnRoutes,
    exportRoutes,
    modelRoutes,
    userEventRoutes,
  ]) {
    register(app, deps);
  }
}
