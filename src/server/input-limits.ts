/** Of one task; so much that all of them, with their answers, are less than a result may be. */
export const MAX_QUESTIONS = 32;
/** As JSON. */
export const MAX_QUESTION_BYTES = 16 * 1024;
/** As JSON. */
export const MAX_ANSWER_BYTES = 16 * 1024;
