/** `npm test [-- --interop]`: see stages.mjs. */
import "./needs-node.mjs";

import("./stages.mjs");
