//! Suggestions for invalid numbers and durations.

use promql_presets_core::{PromDuration, sort};

/// The units of durations, from large to small.
const UNITS: [&str; 7] = ["y", "w", "d", "h", "m", "s", "ms"];

/// The help for an invalid duration: `5m` for `5 min`, `1h30m` for `1.5h`.
pub(crate) fn suggest_duration(text: &str) -> Option<String> {
    let text: String = text.split_whitespace().collect();
    if let Some((years, rest)) = text.split_once('y')
        && is_number(years)
        && is_number(rest)
    {
        return Some(format!("write `{text}w` for weeks, `{text}d` for days"));
    }
    // ISO 8601, except for its months.
    let iso = text.strip_prefix('P').filter(|text| !text.split('T').next().unwrap_or_default().contains('M'));
    let iso = iso.map(|text| text.replace('T', "").to_ascii_lowercase());
    let text = iso.as_deref().unwrap_or(text.trim_start_matches(['-', '+']));
    let mut parts: Vec<(usize, String)> = Vec::new();
    let mut rest = text;
    let mut last = "m";
    while !rest.is_empty() {
        let (number, after) = rest.split_at(rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len()));
        let (unit, after) = after.split_at(after.find(|c: char| c.is_ascii_digit()).unwrap_or(after.len()));
        if let (Ok(count), "M" | "mo" | "mon" | "month" | "months", true) =
            (number.parse::<u32>(), unit, after.is_empty())
        {
            let days = u64::from(count) * 30;
            return Some(format!("write `{count}m` for minutes, `{days}d` for months"));
        }
        let unit = match unit.to_ascii_lowercase().as_str() {
            "ms" | "msec" | "millis" => "ms",
            // A number after hours is minutes.
            "" => match last {
                "w" => "d",
                "d" => "h",
                "h" => "m",
                "s" => "ms",
                "ms" => return Some("remove what follows `ms`, the smallest unit".to_owned()),
                _ => "s",
            },
            "s" | "sec" | "secs" | "second" | "seconds" => "s",
            "m" | "min" | "mins" | "minute" | "minutes" => "m",
            "h" | "hr" | "hrs" | "hour" | "hours" => "h",
            "d" | "day" | "days" => "d",
            "w" | "week" | "weeks" => "w",
            "y" | "yr" | "year" | "years" => "y",
            _ => return None,
        };
        last = unit;
        let part = if number.contains('.') { whole(number, unit)? } else { format!("{number}{unit}") };
        parts.push((UNITS.iter().position(|it| *it == unit)?, part));
        rest = after;
    }
    sort::by_key(&mut parts, |(unit, _)| *unit);
    let meant: String = parts.into_iter().map(|(_, part)| part).collect();
    let is_one = meant.parse().is_ok_and(|duration: PromDuration| !duration.is_zero());
    is_one.then(|| format!("write `{meant}`"))
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// `1h30m` for `1.5` and `h`.
fn whole(number: &str, unit: &str) -> Option<String> {
    let one: PromDuration = format!("1{unit}").parse().ok()?;
    let seconds = number.parse::<f64>().ok()? * std::time::Duration::from_millis(one.as_millis()).as_secs_f64();
    let duration = std::time::Duration::try_from_secs_f64(seconds).ok()?;
    Some(PromDuration::from_millis(u64::try_from(duration.as_millis()).ok()?).to_string())
}

/// The help for a number with a unit of size: `5e3` for `5k`.
pub(crate) fn suggest_number(text: &str) -> Option<String> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let power = match &text[digits.len()..] {
        "k" | "K" | "kB" | "KB" => "e3",
        "M" | "MB" => "e6",
        "G" | "GB" => "e9",
        "T" | "TB" => "e12",
        "Ki" | "KiB" => " * 2^10",
        "Mi" | "MiB" => " * 2^20",
        "Gi" | "GiB" => " * 2^30",
        "Ti" | "TiB" => " * 2^40",
        _ => return None,
    };
    digits.parse::<f64>().is_ok().then(|| format!("write `{digits}{power}`"))
}

#[cfg(test)]
mod tests {
    use super::{suggest_duration, suggest_number};

    #[test]
    fn durations_and_numbers() {
        for (text, help) in [
            ("5 min", "write `5m`"),
            ("1 hour 30 minutes", "write `1h30m`"),
            ("1.5h", "write `1h30m`"),
            ("5", "write `5s`"),
            ("1h30", "write `1h30m`"),
            ("5m30", "write `5m30s`"),
            ("1d12", "write `1d12h`"),
            ("30s5m", "write `5m30s`"),
            ("30m1h", "write `1h30m`"),
            ("-5m", "write `5m`"),
            ("P1D", "write `1d`"),
            ("P1DT12H30M", "write `1d12h30m`"),
            ("1ms5", "remove what follows `ms`, the smallest unit"),
            ("1y6", "write `1y6w` for weeks, `1y6d` for days"),
            ("1M", "write `1m` for minutes, `30d` for months"),
            ("2 months", "write `2m` for minutes, `60d` for months"),
        ] {
            assert_eq!(suggest_duration(text).as_deref(), Some(help), "{text}");
        }
        for text in ["", "soon", "0s", "5x", "5m5m", "-", "P", "P1M"] {
            assert_eq!(suggest_duration(text), None, "{text}");
        }
        assert_eq!(suggest_number("1.5k").as_deref(), Some("write `1.5e3`"));
        assert_eq!(suggest_number("10MiB").as_deref(), Some("write `10 * 2^20`"));
        assert_eq!(suggest_number("10x"), None);
    }
}
