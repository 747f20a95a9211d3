/** What this server is, and which Redis it behaves like. */
export const engineVersion = "0.0.0";
export const redisVersion = "7.2.4";
