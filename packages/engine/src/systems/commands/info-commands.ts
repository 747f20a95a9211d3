/** INFO commandstats, errorstats and latencystats: a row for each command or error that was seen. */
import { histogramOf } from "../../kernel/latency-monitor.ts";
import type { Ports } from "../../module/ports.ts";
import type { InfoSection } from "../../module/system.ts";

type Rows = Iterable<readonly [name: string, value: string | number]>;

/** A name as a part of a row: what separates rows and their parts must not be in it. */
function safe(name: string): string {
  return name.replace(/[#:\n\r]/g, "_");
}

function* commandRows({ commands }: Ports): Rows {
  for (const row of commands.answering) {
    const { calls, microseconds, rejectedCalls, failedCalls } = row;
    if (calls === 0 && rejectedCalls === 0 && failedCalls === 0) continue;
    const usec = Math.floor(microseconds);
    const perCall = calls === 0 ? 0 : microseconds / calls;
    yield [
      `cmdstat_${safe(row.fullName)}`,
      `calls=${calls},usec=${usec},usec_per_call=${perCall.toFixed(2)},` +
        `rejected_calls=${rejectedCalls},failed_calls=${failedCalls}`,
    ];
  }
}

function* errorRows({ stats }: Ports): Rows {
  for (const code of [...stats.errors.keys()].sort())
    yield [`errorstat_${safe(code)}`, `count=${stats.errors.get(code)}`];
}

function* latencyRows({ commands, config, latency }: Ports): Rows {
  if (!latency.histogramsOn) return;
  const percentiles = config.value<readonly number[]>("latency-tracking-info-percentiles");
  if (percentiles.length === 0) return;
  for (const row of commands.answering) {
    const histogram = histogramOf(row);
    if (histogram === null) continue;
    const values = percentiles.map(
      (percent) => `p${percent}=${histogram.percentileUs(percent).toFixed(3)}`,
    );
    yield [`latency_percentiles_usec_${safe(row.fullName)}`, values.join(",")];
  }
}

export const commandstatsSection: InfoSection = {
  name: "commandstats",
  title: "Commandstats",
  isDefault: false,
  fields: [],
  rows: commandRows,
};

export const errorstatsSection: InfoSection = {
  name: "errorstats",
  title: "Errorstats",
  isDefault: true,
  fields: [],
  rows: errorRows,
};

export const latencystatsSection: InfoSection = {
  name: "latencystats",
  title: "Latencystats",
  isDefault: false,
  fields: [],
  rows: latencyRows,
};
