//! Values of a series, as they are told.

use larder_api as api;
use larder_metadata::series::Point;
use larder_model::{Distribution, Problem, SeriesName, SeriesValue, Timestamp};
use serde_json::Number;
use std::collections::BTreeMap;
use std::str::FromStr;
use std::time::Duration;

const HOUR: Duration = Duration::from_hours(1);

/// The time that a value is of.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Step {
    Hour,
    Day,
}

impl FromStr for Step {
    type Err = Problem;

    fn from_str(text: &str) -> Result<Self, Problem> {
        match text {
            "hour" => Ok(Self::Hour),
            "day" => Ok(Self::Day),
            _ => Err(Problem::invalid("step", "`step` is hour or day")),
        }
    }
}

impl Step {
    const fn word(self) -> &'static str {
        match self {
            Self::Hour => "1h",
            Self::Day => "1d",
        }
    }

    /// How far back is told if nobody says.
    pub(crate) const fn usual(self) -> Duration {
        match self {
            Self::Hour => Duration::from_hours(24),
            Self::Day => Duration::from_hours(24 * 14),
        }
    }

    /// When the step of a moment began.
    pub(crate) fn begin(self, at: Timestamp) -> Timestamp {
        let hours = match self {
            Self::Hour => 1,
            Self::Day => 24,
        };
        let length = i64::try_from((HOUR * hours).as_micros()).unwrap_or(i64::MAX);
        Timestamp(at.0.div_euclid(length).saturating_mul(length))
    }
}

/// The problem of a name that no series has.
pub(crate) fn unknown() -> Problem {
    let names: Vec<&str> = SeriesName::ALL.iter().map(|name| name.word()).collect();
    let detail = format!("there is no such series; there are {}", names.join(", "));
    Problem::invalid("name", detail)
}

/// All series.
pub(crate) fn list() -> api::SeriesList {
    let info = |name: &SeriesName| api::SeriesInfo {
        name: name.word().to_owned(),
        unit: name.unit().to_owned(),
        value: match name.value() {
            SeriesValue::Sum => "sum",
            SeriesValue::Level => "level",
            SeriesValue::Durations => "durations",
        }
        .to_owned(),
        label: name.label().map(str::to_owned),
        description: name.sentence().to_owned(),
    };
    api::SeriesList {
        items: SeriesName::ALL.iter().map(info).collect(),
        next: None,
    }
}

/// The values of a series, from its points in the order of their times.
pub(crate) fn told(name: SeriesName, step: Step, points: &[Point]) -> api::SeriesValues {
    let items = points
        .chunk_by(|a, b| step.begin(a.at) == step.begin(b.at))
        .map(|points| item(name, step, points));
    api::SeriesValues {
        name: name.word().to_owned(),
        unit: name.unit().to_owned(),
        step: step.word().to_owned(),
        items: items.collect(),
    }
}

/// A value from the points of its time, of which there is one at least.
fn item(name: SeriesName, step: Step, points: &[Point]) -> api::SeriesItem {
    let at = points
        .first()
        .map_or(Timestamp(0), |point| step.begin(point.at));
    let mut parts: BTreeMap<&str, Vec<&Point>> = BTreeMap::new();
    for point in points {
        parts.entry(&point.label).or_default().push(point);
    }
    let (value, quantiles) = match name.value() {
        SeriesValue::Durations => {
            let all = distribution(points);
            (mean(&all), Some(self::quantiles(&all)))
        }
        SeriesValue::Sum => (points.iter().map(|it| it.value).sum::<u64>().into(), None),
        // Protocols share bytes: all together is a part of its own.
        SeriesValue::Level => {
            let all = parts.remove("").or_else(|| parts.values().next().cloned());
            (last(&all.unwrap_or_default()), None)
        }
    };
    let of = |points: &[&Point]| match name.value() {
        SeriesValue::Durations => mean(&distribution(points.iter().copied())),
        SeriesValue::Sum => points.iter().map(|it| it.value).sum::<u64>().into(),
        SeriesValue::Level => last(points),
    };
    let parts = parts.iter().filter(|(label, _)| !label.is_empty());
    api::SeriesItem {
        at,
        value,
        parts: parts
            .map(|(label, points)| ((*label).to_owned(), of(points)))
            .collect(),
        quantiles,
    }
}

/// The newest value.
fn last(points: &[&Point]) -> Number {
    let newest = points.iter().max_by_key(|point| point.at);
    newest.map_or(0, |point| point.value).into()
}

/// Durations from their parts.
pub(crate) fn distribution<'a>(points: impl IntoIterator<Item = &'a Point>) -> Distribution {
    let mut all = Distribution::default();
    for point in points {
        if !all.add(&point.part, point.value) {
            tracing::debug!(part = &*point.part, "a duration within unknown bounds");
        }
    }
    all
}

/// How durations were spread.
pub(crate) fn quantiles(of: &Distribution) -> api::Quantiles {
    let seconds = |it: Option<Duration>| it.map(|it| it.as_secs_f64());
    api::Quantiles {
        count: of.count(),
        mean: seconds(of.mean()),
        p50: seconds(of.quantile(500)),
        p95: seconds(of.quantile(950)),
        p99: seconds(of.quantile(990)),
    }
}

fn mean(of: &Distribution) -> Number {
    let mean = of.mean().unwrap_or_default().as_secs_f64();
    Number::from_f64(mean).unwrap_or_else(|| 0.into())
}

#[cfg(test)]
mod tests;
