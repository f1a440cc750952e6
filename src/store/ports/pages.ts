/** Keyset lists. */

/** A page of a keyset list. `next` is the key of the last item when there are more, else null. */
export interface Page<Item, Key> {
  items: Item[];
  next: Key | null;
}

/** Key of lists by time of creation. */
export interface CreationKey {
  createdAt: number;
  id: string;
}
