/** A number that no open file has, for asking Node something that needs one. */

/** The highest that there may be: nobody has it. To ask for it is harmless; a worker thread warns of closing it. */
export const NO_DESCRIPTOR = 2 ** 31 - 1;
