/** Records that were read through their owner's id, so that no room can act on anybody else's. */
import type { ChatRecord, TurnRecord } from '../records.ts';

declare const owned: unique symbol;
/** A chat that was read through its owner's id. Routes get it only from `findOwned`. */
export type OwnedChat = ChatRecord & { readonly [owned]: true };

/** A turn that was read through its owner's id. */
export type OwnedTurn = TurnRecord & { readonly [owned]: true };
