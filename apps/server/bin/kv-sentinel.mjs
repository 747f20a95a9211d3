#!/usr/bin/env node
// The name of the program is what makes it a sentinel.
import "./needs-node.mjs";

import("./run-server.mjs");
