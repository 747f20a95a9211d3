#!/usr/bin/env node
import { main } from "../dist/check-rdb.js";

main();
