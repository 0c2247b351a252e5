/** What an error that a status tool answers with says of the task. */
export type RefusedStatus = 'not-found' | 'transient' | 'failed';

const NOUN =
  '(task|job|run|execution|operation|request|process|crawl|research|prediction|training|workflow|session|id|pid|handle)';
const NOT_FOUND = new RegExp(
  `\\b${NOUN}\\b.{0,80}\\b(not (be )?found|does(n't| not) exist|is unknown|has expired|not exist)|\\b(unknown|invalid|no such|no active|no) ${NOUN}\\b|\\b${NOUN}[_ -]?(id )?not[_ ]found|\\b404\\b.{0,20}not found`,
  'is',
);
const TRANSIENT =
  /rate.?limit|too many requests|\b(429|502|503|504)\b|temporar(y|ily)|not (yet )?ready|try again|unavailable|overloaded|request timed? ?out|etimedout|econnre(set|fused)|gateway time|socket hang up|network error|fetch failed/i;
const MOST_TEXT = 2000;

/**
 * Says which: a status tool that reports an error tells of a failed task, unless it looks passing or says that there is none.
 * @param about names of the task: its id, the argument for it
 */
export function readRefusal(text: string, about: readonly string[]): RefusedStatus {
  const shortened = text.slice(0, MOST_TEXT);
  const names = about.some(name => shortened.includes(name));
  if (NOT_FOUND.test(shortened) || (names && /not found|does not exist|no longer exists/i.test(shortened)))
    return 'not-found';
  return TRANSIENT.test(shortened) ? 'transient' : 'failed';
}
