/** What an error that a status tool answers with says of the task. */
export type RefusedStatus = 'not-found' | 'transient' | 'asked-wrongly' | 'failed';

const NOUN =
  '(task|job|run|execution|operation|request|process|crawl|research|prediction|training|workflow|session|id|pid|handle)';
const NOT_FOUND = new RegExp(
  `\\b${NOUN}\\b.{0,80}\\b(not (be )?found|does(n't| not) exist|is unknown|has expired|not exist)|\\b(unknown|invalid|no such|no active|no) ${NOUN}\\b|\\b${NOUN}[_ -]?(id )?not[_ ]found|\\b404\\b.{0,20}not found|\\b(status|code|http|error)[ :=]{1,3}404\\b`,
  'is',
);
const TRANSIENT =
  /rate.?limit|too many requests|\b(429|502|503|504)\b|temporar(y|ily)|not (yet )?ready|try again|unavailable|overloaded|request timed? ?out|etimedout|econnre(set|fused)|gateway time|socket hang up|network error|fetch failed/i;
/** As MCP servers refuse the arguments of a call, or a tool that they do not have. */
const ASKED_WRONGLY =
  /\binput validation error\b|\binvalid (arguments? for tool|params)\b|\bvalidation errors? for (call\[|\w{1,100}Arguments\b)|\bmissing (a |\d{1,2} )?required (keyword-only |positional )?(argument|parameter|input)|\b(unexpected|unknown|unrecognized|no such) (keyword )?(argument|parameter)|\bunknown tool\b|\btool ['"`]?[\w./-]{1,128}['"`]? (was )?not found\b/i;
const MOST_TEXT = 2000;

/**
 * Says which: a call that the server could not take tells nothing of the task, and will not be taken the next time. A status tool that reports an error tells of a failed task, unless it looks passing or says that there is none.
 * @param about names of the task: its id, the argument for it
 */
export function readRefusal(text: string, about: readonly string[]): RefusedStatus {
  const shortened = text.slice(0, MOST_TEXT);
  if (ASKED_WRONGLY.test(shortened)) return 'asked-wrongly';
  const names = about.some(name => shortened.includes(name));
  if (NOT_FOUND.test(shortened) || (names && /not found|does not exist|no longer exists/i.test(shortened)))
    return 'not-found';
  if (TRANSIENT.test(shortened)) return 'transient';
  return shortened.includes('-32602') ? 'asked-wrongly' : 'failed';
}
