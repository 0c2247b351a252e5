/** Phrases of descriptions of tools whose work goes on after the answer. */
const WORK_GOES_ON: readonly RegExp[] = [
  /\basync(hronous(ly)?)?\b/i,
  /in the background|background (job|task|process)/i,
  /returns? (immediately|right away|at once)/i,
  /\breturns? (an?|the|its) ([\w-]{1,30} ){0,2}(id|identifier|handle)\b/i,
  /\b(job|task|run|request|execution|operation|prediction|generation|research|crawl|export|query)[ _-]?id\b/i,
  /\bpoll|long[- ]running/i,
  /takes? (a while|several|a few|up to|\d{1,4}) ?/i,
  /(check|track|monitor|get|query) (the |its )?(status|progress)/i,
  /until (it|the \w{1,30}) (is|has|completes?|finish)/i,
  /\b(starts?|triggers?|launch(es)?|submits?|kicks? off|queues?|initiates?|schedules?) (an? |the )?([\w-]{1,30} ){0,2}(job|task|run|export|build|training|crawl|research|generation|render|deployment|execution|transcription|scan|workflow|pipeline)/i,
];

const STATE: readonly RegExp[] = [
  /\b(status|progress|state) (of|for|and)\b/i,
  /\bstatus\b|\bpoll|\bprogress\b|current state/i,
  /(is|has) (complete|finish|done)|wait(s|ing)? (for|until)/i,
];

/** Whether a description says that the work goes on after the answer. */
export function saysWorkGoesOn(description: string): boolean {
  return WORK_GOES_ON.some(phrase => phrase.test(description));
}

/** Whether a description speaks of a state. */
export function saysState(description: string): boolean {
  return STATE.some(phrase => phrase.test(description));
}
