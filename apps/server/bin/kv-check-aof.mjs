#!/usr/bin/env node
import { main } from "../dist/check-aof.js";

main();
