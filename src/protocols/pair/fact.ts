export type Scalar = string | number | boolean | null;

/** One thing that an answer says. */
export interface Fact {
  readonly key: string;
  /** Of the key. */
  readonly words: readonly string[];
  readonly value: Scalar;
  /** The keys of what it is in. */
  readonly within: readonly string[];
}

/** What the answer is about: its handles, and words of the tools. */
export interface Subject {
  readonly ids: readonly string[];
  readonly nouns: readonly string[];
}
