//! Charts: drawn here as SVG that needs neither scripts nor inline styles, each with its table.

use crate::address::address;
use crate::format;
use crate::language::Language;
use crate::visit::Visit;
use askama::Template;
use larder_api as api;
use larder_model::{Problem, Timestamp};
use std::time::Duration;

/// Height and width of the drawing; the page stretches it.
const HEIGHT: u64 = 100;
const WIDTH: u64 = 1000;
/// The width of a value that stands alone.
const DASH: u64 = 12;

/// How values are drawn.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shape {
    /// A bar for each time, its parts upon each other.
    Bars,
    /// A line from time to time.
    Line,
}

/// What values count.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unit {
    Count,
    Bytes,
    Milliseconds,
}

/// One thing that is counted.
pub(crate) struct Part {
    pub(crate) name: &'static str,
    /// One value for each label; `None` where nothing was measured.
    pub(crate) values: Vec<Option<u64>>,
}

impl Part {
    /// One that has a value for each label.
    pub(crate) fn whole(name: &'static str, values: impl IntoIterator<Item = u64>) -> Self {
        Self {
            name,
            values: values.into_iter().map(Some).collect(),
        }
    }
}

/// A chart.
#[derive(Template)]
#[template(path = "chart.html")]
pub(crate) struct Chart {
    pub(crate) language: Language,
    pub(crate) title: &'static str,
    /// What the values stand at, from left to right.
    pub(crate) labels: Vec<String>,
    pub(crate) parts: Vec<Part>,
    pub(crate) shape: Shape,
    pub(crate) unit: Unit,
}

/// It is escaped where it is made.
impl askama::filters::HtmlSafe for Chart {}

/// A bar, or a part of one.
struct Bar {
    part: usize,
    x: u64,
    y: u64,
    width: u64,
    height: u64,
}

impl Chart {
    /// Whether there is nothing to draw.
    pub(crate) fn is_empty(&self) -> bool {
        self.top() == 0
    }

    /// The largest value: of bars, of all parts together.
    fn top(&self) -> u64 {
        let at = |index: usize| {
            let values = self.parts.iter().filter_map(|part| part.values[index]);
            match self.shape {
                Shape::Bars => values.fold(0, u64::saturating_add),
                Shape::Line => values.max().unwrap_or(0),
            }
        };
        (0..self.labels.len()).map(at).max().unwrap_or(0)
    }

    /// How high a value is drawn.
    fn height(&self, value: u64) -> u64 {
        let top = u128::from(self.top().max(1));
        let height = u128::from(value) * u128::from(HEIGHT) / top;
        let height = u64::try_from(height).unwrap_or(HEIGHT);
        // What is not nothing can be seen.
        height.max(u64::from(value > 0))
    }

    /// Where the place of a label begins and how wide it is.
    fn place(&self, index: &usize) -> (u64, u64) {
        let count = self.labels.len().max(1) as u64;
        let (begin, end) = (
            *index as u64 * WIDTH / count,
            (*index as u64 + 1) * WIDTH / count,
        );
        (begin, end - begin)
    }

    fn bars(&self) -> Vec<Bar> {
        let mut bars = Vec::new();
        for index in 0..self.labels.len() {
            let (x, width) = self.place(&index);
            let gap = width / 6;
            let mut y = HEIGHT;
            for (part, counted) in self.parts.iter().enumerate() {
                let height = self.height(counted.values[index].unwrap_or(0)).min(y);
                y -= height;
                bars.push(Bar {
                    part: part + 1,
                    x: x + gap,
                    y,
                    width: width - 2 * gap,
                    height,
                });
            }
        }
        bars.retain(|bar| bar.height > 0);
        bars
    }

    /// The way of a part's line, which is broken where nothing was measured.
    fn line(&self, part: &Part) -> String {
        let mut way = String::new();
        let measured = |index: usize| part.values.get(index).copied().flatten();
        for index in 0..part.values.len() {
            let Some(value) = measured(index) else {
                continue;
            };
            let (x, width) = self.place(&index);
            let (x, y) = (x + width / 2, HEIGHT - self.height(value));
            let before = index.checked_sub(1).and_then(measured);
            way.push_str(&match (before, measured(index + 1)) {
                (Some(_), _) => format!("L{x} {y}"),
                (None, Some(_)) => format!("M{x} {y}"),
                // Between two gaps a line has no length: it is drawn as a dash.
                (None, None) => format!("M{} {y}h{DASH}", x.saturating_sub(DASH / 2)),
            });
        }
        way
    }

    /// What a value is called.
    fn told(&self, value: Option<u64>) -> String {
        let Some(value) = value else {
            return "–".to_owned();
        };
        match self.unit {
            Unit::Count => format::count(value),
            Unit::Bytes => format::bytes(value),
            Unit::Milliseconds => format!("{} ms", format::count(value)),
        }
    }

    /// The values at a label, by the names of their parts.
    fn row(&self, index: &usize) -> Vec<(&'static str, String)> {
        let parts = self.parts.iter();
        let row = parts.map(|part| (part.name, self.told(part.values[*index])));
        row.collect()
    }

    /// What stands at a label, in words.
    fn words(&self, index: &usize) -> String {
        let row = self.row(index).into_iter();
        let row: Vec<_> = row.map(|(name, value)| format!("{name} {value}")).collect();
        format!("{}: {}", self.labels[*index], row.join(", "))
    }

    const fn is_line(&self) -> bool {
        matches!(self.shape, Shape::Line)
    }
}

/// The last days with their values, up to the day of `now`.
pub(crate) struct Days {
    /// When the first day begins.
    first: i64,
    count: usize,
}

const DAY: u64 = 24 * 60 * 60;

impl Days {
    /// So many days.
    pub(crate) fn new(now: Timestamp, count: usize) -> Self {
        let day = now.seconds().div_euclid(DAY.cast_signed());
        Self {
            first: day + 1 - i64::try_from(count).unwrap_or(0),
            count,
        }
    }

    /// When the first day begins, as the API takes it.
    pub(crate) fn since(&self) -> Timestamp {
        let since = Duration::from_secs(self.first.unsigned_abs() * DAY);
        Timestamp(0).after(since)
    }

    /// The values of a series on these days, of one part or (without a name) of all.
    pub(crate) async fn series(
        &self,
        visit: &Visit,
        name: &str,
        part: &str,
    ) -> Result<api::SeriesValues, Problem> {
        let since = self.since().to_string();
        let parameters = [
            ("name", name),
            ("since", &since),
            ("step", "day"),
            ("part", part),
        ];
        visit.get(address("/stats/series", &parameters)).await
    }

    /// What the days are called: month and day.
    pub(crate) fn labels(&self) -> Vec<String> {
        let name = |day: usize| {
            let at = self.since().after(Duration::from_secs(day as u64 * DAY));
            at.to_string().get(5..10).unwrap_or_default().to_owned()
        };
        (0..self.count).map(name).collect()
    }

    /// What came on each day: nothing, where nothing was counted.
    pub(crate) fn sums(&self, series: &api::SeriesValues) -> Vec<u64> {
        let mut values = vec![0; self.count];
        for (day, value) in self.values(series) {
            values[day] = value;
        }
        values
    }

    /// What there was on each day: what was counted before, where nothing was; `None` before the first.
    pub(crate) fn levels(&self, series: &api::SeriesValues) -> Vec<Option<u64>> {
        let mut values: Vec<Option<u64>> = vec![None; self.count];
        for (day, value) in self.values(series) {
            values[day] = Some(value);
        }
        let mut level = None;
        let values = values.into_iter().map(|value| {
            level = value.or(level);
            level
        });
        values.collect()
    }

    /// How long things took on each day, in milliseconds.
    pub(crate) fn milliseconds(
        &self,
        series: &api::SeriesValues,
        quantile: fn(&api::Quantiles) -> Option<f64>,
    ) -> Vec<Option<u64>> {
        let mut values = vec![None; self.count];
        for item in &series.items {
            let seconds = item.quantiles.as_ref().and_then(quantile);
            if let (Some(day), Some(seconds)) = (self.day(item), seconds) {
                values[day] = Some(format::milliseconds(seconds));
            }
        }
        values
    }

    fn values<'a>(
        &'a self,
        series: &'a api::SeriesValues,
    ) -> impl Iterator<Item = (usize, u64)> + use<'a> {
        let value = |item: &api::SeriesItem| Some((self.day(item)?, item.value.as_u64()?));
        series.items.iter().filter_map(value)
    }

    /// Which of the days a value is of.
    fn day(&self, item: &api::SeriesItem) -> Option<usize> {
        let day = item.at.seconds().div_euclid(DAY.cast_signed()) - self.first;
        usize::try_from(day).ok().filter(|day| *day < self.count)
    }
}

#[cfg(test)]
mod tests;
