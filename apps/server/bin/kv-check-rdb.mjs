#!/usr/bin/env node
import "./needs-node.mjs";

import("../dist/check-rdb.js").then(({ main }) => main());
