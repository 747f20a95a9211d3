/** Property tests draw from the seed of the commit, where there is one (KV_COMMIT_SEED: see .ci/run). */
import fc from "fast-check";

// biome-ignore lint/suspicious/noUndeclaredEnvVars: tests are no task of turbo's.
const seed = process.env.KV_COMMIT_SEED;
if (seed !== undefined) fc.configureGlobal({ ...fc.readConfigureGlobal(), seed: Number(seed) });
