//! Plans of files beside states, as `testdata/apply` has them: `NAME.toml` on `state.json` comes to
//! `NAME.txt`. A file that begins with `# prune` is applied so.

mod made_up;
mod model;

use super::*;
use crate::apply::act::SECRET;
use crate::apply::checks;
use crate::apply::file::Source;
use crate::apply::repositories::UpstreamFiles;
use crate::apply::show::lines;
use crate::apply::state::GroupState;
use larder_api::Group;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/apply")
}

fn text(name: &str) -> String {
    let path = folder().join(name);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn read<T: serde::de::DeserializeOwned>(value: &Value) -> T {
    serde_json::from_value(value.clone()).unwrap_or_else(|error| panic!("{error}: {value}"))
}

/// A state that is written as the API answers it, a group with its members.
fn state() -> State {
    let value: Value = serde_json::from_str(&text("state.json")).expect("JSON");
    let groups = value["groups"].as_array().expect("groups").iter();
    State {
        caller: read(&value["caller"]),
        settings: read(&value["settings"]),
        repositories: read(&value["repositories"]),
        filled: read(&value["filled"]),
        groups: groups
            .map(|group| GroupState {
                group: read::<Group>(group),
                members: read(&group["members"]),
            })
            .collect(),
        robots: read(&value["robots"]),
        grants: read(&value["grants"]),
        schedules: read(&value["schedules"]),
        retentions: Vec::new(),
        shared_quotas: 0,
        users: read(&value["users"]),
    }
}

/// The call of an act: method, path and body, without secrets.
fn told(call: &Call) -> String {
    let body = |method: &str, path: &str, body: Value| {
        let mut body = body;
        if let Some(password) = body.pointer_mut("/upstream/password") {
            *password = json!(SECRET);
        }
        format!("    {method} {path} {body}\n")
    };
    let path = |it: &larder_api::Repository| format!("repositories/{}/{}", it.protocol, it.name);
    match call {
        Call::CreateRepository(new) => body("POST", "repositories", json!(new)),
        Call::ChangeRepository(it, change) => body("PATCH", &path(it), json!(change)),
        Call::DeleteRepository(it) => format!("    DELETE {}\n", path(it)),
        Call::ChangeSettings(_, change) => body("PATCH", "settings", json!(change)),
        Call::CreateGroup(new) => body("POST", "groups", json!(new)),
        Call::ChangeGroup(it, change) => {
            body("PATCH", &format!("groups/{}", it.name), json!(change))
        }
        Call::DeleteGroup(it) => format!("    DELETE groups/{}\n", it.name),
        Call::CreateRobot(new, disabled) => {
            body("POST", "robots", json!(new)) + if *disabled { "    and disabled\n" } else { "" }
        }
        Call::ChangeRobot(it, change) => {
            body("PATCH", &format!("robots/{}", it.name), json!(change))
        }
        Call::DeleteRobot(it) => format!("    DELETE robots/{}\n", it.name),
        Call::AddMember(group, member) => format!("    PUT groups/{group}/members/{member}\n"),
        Call::RemoveMember(group, member) => {
            format!("    DELETE groups/{group}/members/{member}\n")
        }
        Call::CreateGrant(new) => body("POST", "grants", json!(new)),
        Call::ReplaceGrant(it, new) => {
            format!("    DELETE grants/{}\n", it.id) + &body("POST", "grants", json!(new))
        }
        Call::DeleteGrant(it) => format!("    DELETE grants/{}\n", it.id),
        Call::ChangeRetention(it, _, new) => {
            body("PUT", &format!("repositories/{it}/retention"), json!(new))
        }
        Call::ChangeSchedule(it, new) => body("PUT", &format!("schedules/{}", it.kind), json!(new)),
    }
}

/// Passwords where the file names variables, and certificates where it names files.
fn passwords(file: &Resources) -> Passwords {
    let mut passwords = Passwords::default();
    for entry in file.repositories.iter().flatten().map(Spanned::get_ref) {
        let Some(upstream) = &entry.upstream else {
            continue;
        };
        let text = |path: &Option<PathBuf>| Some(format!("PEM of {}", path.as_ref()?.display()));
        let files = UpstreamFiles {
            password: upstream.password_env.as_ref().map(|_| "s3cret".to_owned()),
            client_certificate: text(&upstream.client_certificate_file),
            client_key: text(&upstream.client_certificate_file),
            ca_certificate: text(&upstream.ca_certificate_file),
            trusted_keys: text(&upstream.trusted_keys_file),
        };
        passwords.of.insert(entry.name.clone(), files);
    }
    passwords
}

/// What comes of a file: the plan, or why there is none.
fn planned(name: &str, state: &State) -> String {
    let text = text(name);
    let source = Source { name, text: &text };
    let file = match source.read() {
        Ok(file) => file,
        Err(error) => return format!("{error}\n"),
    };
    let told_at = |refusal: &Refusal| {
        let word = if refusal.is_clash { "clash" } else { "file" };
        let sentence = match &refusal.span {
            Some(span) => source.at(span, &refusal.sentence),
            None => refusal.sentence.clone(),
        };
        format!("{word}: {sentence}\n")
    };
    let wrong = checks::check(&file);
    if !wrong.is_empty() {
        return wrong.iter().map(told_at).collect();
    }
    match plan(&file, state, &passwords(&file), text.starts_with("# prune")) {
        Ok(plan) => {
            let acts = plan.acts.iter();
            let acts: String = acts.map(|act| lines(act) + &told(&act.call)).collect();
            let notes = plan.notes.iter().map(|note| format!("note: {note}\n"));
            acts + &notes.collect::<String>()
        }
        Err(refusal) => told_at(&refusal),
    }
}

#[test]
fn files_come_to_their_plans() {
    let state = state();
    let entries = std::fs::read_dir(folder()).expect("testdata");
    let names = entries.map(|entry| entry.expect("entry").file_name().into_string());
    let names = names.map(|name| name.expect("UTF-8"));
    let stems = names.filter_map(|name| name.strip_suffix(".toml").map(str::to_owned));
    let mut names: Vec<String> = stems.collect();
    names.sort_unstable();
    assert!(names.len() >= 6, "{names:?}");
    for name in names {
        let expected = text(&format!("{name}.txt"));
        let found = planned(&format!("{name}.toml"), &state);
        assert!(!found.contains("s3cret"), "{name}: {found}");
        assert_eq!(found, expected, "{name}\n{found}");
    }
}

#[test]
fn a_caller_keeps_what_it_gives_grants_by() {
    let mut state = state();
    state.caller.superuser = false;
    state.caller.name = Some("alice".parse().expect("name"));
    let file = Resources {
        grants: Some(Vec::new()),
        ..Resources::default()
    };
    let plan = plan(&file, &state, &Passwords::default(), true).expect("plan");
    let names: Vec<&str> = plan.acts.iter().map(|act| &*act.name).collect();
    assert_eq!(
        names,
        [
            "anonymous reader npm/up",
            "group:dev writer npm/local @shop/*"
        ]
    );
    let [note] = &plan.notes[..] else {
        panic!("{:?}", plan.notes);
    };
    assert!(note.contains("user:alice admin npm/*"), "{note}");
}
