#!/usr/bin/env node
import "./needs-node.mjs";

import("../dist/check-aof.js").then(({ main }) => main());
