/** What this server is, and which Redis it behaves like. */
export const engineVersion = "0.0.0";
/** The version of Redis whose behaviour is followed, and that clients are told. */
export const redisVersion = "7.2.4";
