/** Something in a registry that is not what it should be, by its digest. */
export class BadImage extends Error {
  constructor(digest: string, why: string) {
    super(`${digest} cannot be read: ${why}`);
    this.name = 'BadImage';
  }
}
