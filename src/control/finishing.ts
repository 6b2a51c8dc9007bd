/** Has whoever ends this process wait for the work: what is exchanged in it works once, and is lost if nobody stores it. */
export type Finishing = <T>(work: Promise<T>) => Promise<T>;

/** Where nobody ends the process in the middle. */
export const justWork: Finishing = (work) => work;
