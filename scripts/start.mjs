/** `npm start [-- arguments]`: see serve.mjs. */
import "./needs-node.mjs";

import("./serve.mjs");
