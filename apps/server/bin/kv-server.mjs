#!/usr/bin/env node
import "./needs-node.mjs";

import("./run-server.mjs");
