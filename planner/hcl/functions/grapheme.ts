/** What a person counts as characters: grapheme clusters. */
export function characters(whole: string): readonly string[] {
  if (/^[\x20-\x7e]*$/.test(whole)) return whole.split('');
  return [...new Intl.Segmenter('en', { granularity: 'grapheme' }).segment(whole)].map(({ segment }) => segment);
}
