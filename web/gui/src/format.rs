//! Numbers and times as people read them. The exact value stands beside each.

use larder_model::Timestamp;
use std::time::Duration;

/// Bytes in decimal units, with three digits.
pub(crate) fn bytes(count: u64) -> String {
    const UNITS: [&str; 6] = ["kB", "MB", "GB", "TB", "PB", "EB"];
    if count < 1000 {
        return format!("{count} B");
    }
    let (mut value, mut unit) = (count, 0);
    // Whole thousandths: no number is rounded twice.
    while value >= 1_000_000 {
        value /= 1000;
        unit += 1;
    }
    let (whole, thousandths) = (value / 1000, value % 1000);
    let digits = match whole {
        0..10 => format!("{whole}.{:02}", thousandths / 10),
        10..100 => format!("{whole}.{}", thousandths / 100),
        _ => whole.to_string(),
    };
    format!("{digits} {}", UNITS[unit])
}

/// A whole number with its thousands apart.
pub(crate) fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push('\u{202f}'); // a narrow space, which no line breaks at
        }
        text.push(digit);
    }
    text
}

/// Seconds in whole milliseconds: at least one, where it is more than nothing.
pub(crate) fn milliseconds(seconds: f64) -> u64 {
    let time = Duration::try_from_secs_f64(seconds).unwrap_or_default();
    let whole = u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
    whole.max(u64::from(!time.is_zero()))
}

/// A moment, to the second: what `<time datetime>` takes.
pub(crate) fn exact(time: Timestamp) -> String {
    let text = time.to_string();
    match text.split_once('.') {
        Some((seconds, _)) => format!("{seconds}Z"),
        None => text,
    }
}

/// A digest cut in the middle, algorithm left out where it is the usual one.
pub(crate) fn digest(digest: &str) -> String {
    let hex = digest.strip_prefix("sha256:").unwrap_or(digest);
    let cut: String = hex.chars().take(12).collect();
    cut
}

/// Who somebody is where people read it: users by their names alone, all others with what they are.
pub(crate) fn who(actor: &str) -> &str {
    actor.strip_prefix("user:").unwrap_or(actor)
}

/// What a browser is called, of the long text that it tells of itself.
pub(crate) fn browser(agent: &str) -> String {
    const BROWSERS: [(&str, &str); 5] = [
        ("Edg/", "Edge"),
        ("OPR/", "Opera"),
        ("Firefox/", "Firefox"),
        ("Chrome/", "Chrome"),
        ("Version/", "Safari"),
    ];
    const SYSTEMS: [(&str, &str); 6] = [
        ("Android", "Android"),
        ("iPhone", "iPhone"),
        ("iPad", "iPad"),
        ("Windows", "Windows"),
        ("Mac OS X", "macOS"),
        ("Linux", "Linux"),
    ];
    let version = |mark: &str| {
        let (_, after) = agent.split_once(mark)?;
        Some(after.split(['.', ' ']).next().unwrap_or_default())
    };
    let mut browsers = BROWSERS.iter();
    let Some((name, version)) = browsers.find_map(|(mark, name)| Some((name, version(mark)?)))
    else {
        return agent.to_owned();
    };
    match SYSTEMS.iter().find(|(mark, _)| agent.contains(mark)) {
        Some((_, system)) => format!("{name} {version}, {system}"),
        None => format!("{name} {version}"),
    }
}

#[cfg(test)]
mod tests;
