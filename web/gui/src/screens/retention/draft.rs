//! Rules as a form has them: texts, which may be wrong yet.

use crate::form::Form;
use crate::screens::policies::{lines, patterns};
use crate::size;
use larder_api as api;
use larder_model::{Pattern, Problem, Series};

/// A form has at most so many rules.
const RULES: usize = 100;

/// A policy as it is filled in.
#[derive(Default, Debug, PartialEq, Eq)]
pub(super) struct Draft {
    pub(super) enabled: bool,
    pub(super) rules: Vec<Rule>,
    /// One a line.
    pub(super) protect: String,
    pub(super) untagged: String,
    pub(super) unused: String,
    pub(super) max_bytes: String,
    pub(super) trash: String,
}

/// A rule as it is filled in.
#[derive(Default, Debug, PartialEq, Eq)]
pub(super) struct Rule {
    pub(super) packages: String,
    pub(super) versions: String,
    pub(super) newest: String,
    pub(super) pushed: String,
    pub(super) pulled: String,
    /// One a line.
    pub(super) matching: String,
    /// How many of each series.
    pub(super) count: String,
    /// What a series is.
    pub(super) series: String,
}

fn given(text: &str) -> Option<String> {
    Some(text.trim().to_owned()).filter(|text| !text.is_empty())
}

fn number(field: &'static str, text: &str) -> Result<Option<u32>, Problem> {
    let wrong = |_| {
        Problem::invalid(
            field,
            format!("`{text}` is no whole number: write one, or nothing"),
        )
    };
    given(text)
        .map(|text| text.parse().map_err(wrong))
        .transpose()
}

/// A pattern of a form; nothing filled in fits everything.
fn pattern(field: &'static str, text: &str) -> Result<Pattern, Problem> {
    let wrong = |error| Problem::invalid(field, format!("`{text}`: {error}"));
    match given(text) {
        Some(text) => text.parse().map_err(wrong),
        None => Ok(Pattern::all()),
    }
}

impl Draft {
    /// What is stored.
    pub(super) fn of_policy(policy: &api::Retention) -> Self {
        Self {
            enabled: policy.enabled,
            rules: policy.rules.iter().map(Rule::of_policy).collect(),
            protect: lines(&policy.protect),
            untagged: policy.untagged_after.clone().unwrap_or_default(),
            unused: policy.unused_after.clone().unwrap_or_default(),
            max_bytes: policy.max_bytes.map(size::write).unwrap_or_default(),
            trash: policy.trash.clone(),
        }
    }

    /// What was filled in.
    pub(super) fn of_form(form: &Form) -> Self {
        let rules = form.all("packages").len().min(RULES);
        let text = |name: &str| form.text(name).to_owned();
        Self {
            enabled: form.has("enabled"),
            rules: (0..rules).map(|index| Rule::of_form(form, index)).collect(),
            protect: text("protect"),
            untagged: text("untagged"),
            unused: text("unused"),
            max_bytes: text("max_bytes"),
            trash: text("trash"),
        }
    }

    pub(super) fn add_rule(&mut self) {
        if self.rules.len() < RULES {
            self.rules.push(Rule {
                newest: "10".to_owned(),
                ..Rule::default()
            });
        }
    }

    pub(super) fn remove_rule(&mut self, index: &str) {
        if let Some(index) = index.parse().ok().filter(|index| *index < self.rules.len()) {
            self.rules.remove(index);
        }
    }

    /// The policy that this is, if it is one.
    pub(super) fn policy(&self) -> Result<api::NewRetention, Problem> {
        let rules: Result<Vec<_>, _> = self.rules.iter().map(Rule::policy).collect();
        let protect = patterns("protect", &self.protect)?;
        Ok(api::NewRetention {
            enabled: Some(self.enabled),
            rules: Some(rules?),
            protect: Some(protect).filter(|protect| !protect.is_empty()),
            untagged_after: given(&self.untagged),
            unused_after: given(&self.unused),
            max_bytes: size::read("max_bytes", &self.max_bytes)?,
            trash: given(&self.trash),
        })
    }
}

impl Rule {
    fn of_policy(rule: &api::RetentionRule) -> Self {
        let keep = &rule.keep;
        let text = |pattern: &Pattern| {
            if pattern.is_all() {
                String::new()
            } else {
                pattern.to_string()
            }
        };
        let count = |count: u32| count.to_string();
        Self {
            packages: text(&rule.packages),
            versions: text(&rule.versions),
            newest: keep.newest.map(count).unwrap_or_default(),
            pushed: keep.pushed_within.clone().unwrap_or_default(),
            pulled: keep.pulled_within.clone().unwrap_or_default(),
            matching: lines(keep.matching.as_deref().unwrap_or_default()),
            count: keep
                .newest_per
                .map(|it| count(it.count))
                .unwrap_or_default(),
            series: keep
                .newest_per
                .map(|it| it.of.word().to_owned())
                .unwrap_or_default(),
        }
    }

    fn of_form(form: &Form, index: usize) -> Self {
        let text = |name: &str| form.all(name).get(index).cloned().unwrap_or_default();
        Self {
            packages: text("packages"),
            versions: text("versions"),
            newest: text("newest"),
            pushed: text("pushed"),
            pulled: text("pulled"),
            matching: text("matching"),
            count: text("count"),
            series: text("series"),
        }
    }

    fn policy(&self) -> Result<api::RetentionRule, Problem> {
        let matching = patterns("matching", &self.matching)?;
        let series = |count| {
            let mut all = [Series::Minor, Series::Major].into_iter();
            let of = all.find(|series| series.word() == self.series);
            let wrong =
                || Problem::invalid("newest_per", "a series is of `minor` or `major` versions");
            Ok::<_, Problem>(api::RetentionSeries {
                of: of.ok_or_else(wrong)?,
                count,
            })
        };
        Ok(api::RetentionRule {
            packages: pattern("packages", &self.packages)?,
            versions: pattern("versions", &self.versions)?,
            keep: api::RetentionKeep {
                newest: number("newest", &self.newest)?,
                pushed_within: given(&self.pushed),
                pulled_within: given(&self.pulled),
                matching: Some(matching).filter(|matching| !matching.is_empty()),
                newest_per: number("newest_per", &self.count)?.map(series).transpose()?,
            },
        })
    }
}
