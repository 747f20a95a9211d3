#!/usr/bin/env node
// Files, name look-ups and compression share the thread pool with fsync; four threads are few.
// libuv reads this when the pool is first used, so it comes before everything else.
process.env.UV_THREADPOOL_SIZE ??= "8";

const { main } = await import("../dist/main.js");
await main();
