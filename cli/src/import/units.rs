//! Units of Grafana, in the words of Prometheus.

/// The unit of an id of Grafana. `None` if the id is not that of a unit.
pub(super) fn unit(id: &str) -> Option<String> {
    let known = match id {
        "" | "none" | "short" | "string" | "locale" | "sishort" | "hex" | "hex0x" | "sci" | "time" | "bool"
        | "bool_on_off" | "bool_yes_no" => return None,
        "percent" => "percent",
        "percentunit" => "ratio",
        "bytes" | "decbytes" => "bytes",
        "bits" | "decbits" => "bits",
        "kbytes" => "kibibytes",
        "deckbytes" => "kilobytes",
        "mbytes" => "mebibytes",
        "decmbytes" => "megabytes",
        "gbytes" => "gibibytes",
        "decgbytes" => "gigabytes",
        "bps" | "binbps" => "bits per second",
        "Bps" | "binBps" => "bytes per second",
        "KBs" | "KiBs" => "kilobytes per second",
        "MBs" | "MiBs" => "megabytes per second",
        "Kbits" | "Kibits" => "kilobits per second",
        "Mbits" | "Mibits" => "megabits per second",
        "pps" => "packets per second",
        "reqps" => "requests per second",
        "rps" => "reads per second",
        "wps" => "writes per second",
        "ops" => "operations per second",
        "iops" => "I/O operations per second",
        "cps" => "counts per second",
        "eps" => "events per second",
        "mps" => "messages per second",
        "recps" => "records per second",
        "rowsps" => "rows per second",
        "reqpm" => "requests per minute",
        "opm" => "operations per minute",
        "cpm" => "counts per minute",
        "ns" => "nanoseconds",
        "µs" | "us" => "microseconds",
        "ms" | "dtdurationms" | "clockms" => "milliseconds",
        "s" | "dtdurations" | "clocks" | "timeticks" => "seconds",
        "m" => "minutes",
        "h" => "hours",
        "d" => "days",
        "hertz" | "rothz" => "hertz",
        "dateTimeAsIso" | "dateTimeAsUS" | "dateTimeAsLocal" | "dateTimeFromNow" => "milliseconds since 1970",
        "celsius" => "celsius",
        "fahrenheit" => "fahrenheit",
        "kelvin" => "kelvin",
        "watt" => "watts",
        "kwatt" => "kilowatts",
        "joule" => "joules",
        "watth" => "watt-hours",
        "kwatth" => "kilowatt-hours",
        "amp" => "amperes",
        "volt" => "volts",
        "lengthm" => "meters",
        "massg" => "grams",
        "humidity" => "percent of humidity",
        "rotrpm" => "revolutions per minute",
        "currencyUSD" => "US dollars",
        "currencyEUR" => "euros",
        other => {
            let custom = ["suffix:", "prefix:", "si:"].iter().find_map(|kind| other.strip_prefix(kind));
            return Some(custom.unwrap_or(other).trim().to_owned()).filter(|unit| !unit.is_empty());
        }
    };
    Some(known.to_owned())
}
