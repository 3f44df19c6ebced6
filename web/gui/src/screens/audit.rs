//! The audit trail: who did, asked for or was refused what; and whether anything of it was changed.

use crate::address::address;
use crate::format::{browser, bytes as bytes_in_words};
use crate::page::{Frame, OrPage as _, Shown, show};
use crate::query::{Query, ROWS};
use crate::screens::jobs::facts;
use crate::visit::Visit;
use askama::Template;
use larder_api as api;
use larder_model::Timestamp;

/// The media type of an export.
const LINES: &str = "application/x-ndjson";
/// The words of results.
const RESULTS: [&str; 3] = ["ok", "refused", "failed"];

/// What narrows the list, as it stands in the address.
struct Filter {
    actor: String,
    action: String,
    object: String,
    result: String,
    since: String,
    until: String,
}

impl Filter {
    fn of(query: &Query) -> Self {
        let text = |name: &str| query.get(name).to_owned();
        Self {
            actor: text("actor"),
            action: text("action"),
            object: text("object"),
            result: text("result"),
            since: text("since"),
            until: text("until"),
        }
    }

    /// The address of a list with these filters.
    fn address(&self, path: &str, more: &[(&str, &str)]) -> String {
        let mut all = vec![
            ("actor", self.actor.as_str()),
            ("action", &self.action),
            ("object", &self.object),
            ("result", &self.result),
            ("since", &self.since),
            ("until", &self.until),
        ];
        all.extend(more);
        address(path, &all)
    }

    /// The same as the API takes it, whose times have a day, an hour and a zone.
    fn asked(&self, more: &[(&str, &str)]) -> String {
        let filter = Self {
            actor: self.actor.clone(),
            action: self.action.clone(),
            object: self.object.clone(),
            result: self.result.clone(),
            since: moment(&self.since),
            until: moment(&self.until),
        };
        filter.address("/audit", more)
    }
}

/// A moment as browsers have people choose it, `2026-11-29T08:30`, with the rest of it. Anything else
/// stays, for the API to judge.
pub(crate) fn moment(text: &str) -> String {
    let forms = [format!("{text}:00Z"), format!("{text}T00:00:00Z")];
    let mut forms = forms.into_iter();
    match text.parse::<Timestamp>() {
        Ok(_) => text.to_owned(),
        Err(_) => forms
            .find(|form| form.parse::<Timestamp>().is_ok())
            .unwrap_or_else(|| text.to_owned()),
    }
}

#[derive(Template)]
#[template(path = "audit.html")]
struct Audit {
    frame: Frame,
    entries: Vec<api::AuditEntry>,
    next: Option<String>,
    filter: Filter,
    export: String,
    check: String,
    /// What a check of the chain has found.
    report: Option<api::AuditReport>,
}

impl Audit {
    const fn results(&self) -> [&'static str; 3] {
        RESULTS
    }

    /// What else is told, for people: names and values, of which the name may be empty.
    fn details(entry: &api::AuditEntry) -> Vec<(String, String)> {
        let told = facts(&entry.details).into_iter();
        // What the entry is of stands beside; ids are for programs.
        let told = told.filter(|(name, _, _)| name != "id");
        let pair = |(name, bytes, text): (String, Option<u64>, String)| match &*name {
            "user agent" => (String::new(), browser(&text)),
            _ => (name, bytes.map_or(text, bytes_in_words)),
        };
        told.map(pair).collect()
    }
}

/// The list, and if it is asked for, the check.
pub(crate) async fn list(visit: Visit, query: Query) -> Shown {
    let filter = Filter::of(&query);
    let limit = ROWS.to_string();
    let asked = filter.asked(&[("limit", &limit), ("after", query.get("after"))]);
    let list: Result<api::List<api::AuditEntry>, _> = visit.get(asked).await;
    let list = list.or_page(&visit)?;
    let report = match query.get("check") {
        "" => None,
        _ => Some(visit.get("/audit/verify").await.or_page(&visit)?),
    };
    let frame = Frame::new(&visit, visit.language().audit_title()).or_page(&visit)?;
    let page = Audit {
        frame: frame.elsewhere("larder audit list", "GET /api/v1/audit"),
        entries: list.items,
        next: list
            .next
            .map(|after| filter.address("/audit", &[("after", &after)])),
        export: filter.address("/audit/export", &[]),
        check: filter.address("/audit", &[("check", "1")]),
        filter,
        report,
    };
    show(&page).or_page(&visit)
}

/// All that fits the filters, as a file.
pub(crate) async fn export(visit: Visit, query: Query) -> Shown {
    let asked = Filter::of(&query).asked(&[]);
    visit.get_as(LINES, asked).await.or_page(&visit)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn moments_are_completed() {
        for (typed, asked) in [
            ("", ""),
            ("2026-11-29", "2026-11-29T00:00:00Z"),
            ("2026-11-29T08:30", "2026-11-29T08:30:00Z"),
            ("2026-11-29T08:30:05Z", "2026-11-29T08:30:05Z"),
            ("yesterday", "yesterday"),
        ] {
            assert_eq!(moment(typed), asked);
        }
    }
    #[test]
    fn details_are_pairs_that_people_read() {
        let entry = json!({
            "id": "1", "at": "2030-01-01T00:00:00Z", "actor": "user:admin", "action": "repository.change",
            "object": "oci/team", "result": "ok", "address": null, "request_id": null, "count": 1,
            "details": {
                "id": "7", "dry_run": false, "parameters": {}, "upstream": {"url": "u", "username": null},
                "immutable": ["v*", "1.*"], "user_agent": "Chrome/156.0 Linux", "quota": {"bytes": 2_000_000_000},
                "policy": {"rules": [{"keep": {"newest": 2}}]}, "reason": "",
            },
        });
        let entry = serde_json::from_value(entry).expect("an entry");
        let details = Audit::details(&entry);
        let told: Vec<(&str, &str)> = details
            .iter()
            .map(|(name, value)| (&**name, &**value))
            .collect();
        assert_eq!(
            told,
            [
                ("dry run", "false"),
                ("immutable", "v*, 1.*"),
                ("policy › rules › 1 › keep › newest", "2"),
                ("quota › bytes", "2.00 GB"),
                ("upstream › url", "u"),
                ("", "Chrome 156, Linux"),
            ]
        );
    }
}
