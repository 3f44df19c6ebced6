//! `apply` beside a server that answers from a script.

use super::{Answer, Machine, fake, json};
use crate::exit::Exit;
use serde_json::{Value, json};

const NEW_GROUP: &str = "[[groups]]\nname = 'dev'\ndescription = 'Builders'\n";

fn list(items: &Value) -> Answer {
    json("200 OK", &json!({"items": items, "next": null}))
}

fn group(description: &str) -> Value {
    json!({"name": "dev", "description": description, "created_at": "2030-01-01T00:00:00Z"})
}

/// One thing with its tag.
fn tagged(value: &Value) -> Answer {
    (
        "200 OK\r\netag: \"v1\"",
        "application/json",
        value.to_string(),
    )
}

fn outdated() -> Answer {
    let problem = json!({"status": 412, "code": "precondition_failed", "detail": "changed"});
    json("412 Precondition Failed", &problem)
}

/// A server with these groups, which none is in, as a superuser is told of it.
fn before(groups: &Value) -> Vec<Answer> {
    let settings = json!({"offline": false, "oci": {"default_mirror": null}});
    let caller = json!({"name": "admin", "anonymous": false, "superuser": true, "limited": false});
    let mut script = vec![
        json("200 OK", &caller),
        list(&json!([])),
        json("200 OK", &settings),
        list(groups),
    ];
    script.extend(
        groups
            .as_array()
            .into_iter()
            .flatten()
            .map(|_| list(&json!([]))),
    );
    script.extend([list(&json!([])), list(&json!([]))]);
    script
}

/// Applies a file beside a script: the exit code, the calls that change something, and what is told.
async fn applied(file: &str, flags: &str, script: Vec<Answer>) -> (Exit, Vec<String>, Value) {
    let server = fake(script).await;
    let machine = Machine::new();
    let path = machine.config().join("larder-resources.toml");
    std::fs::write(&path, file).expect("file");
    let path = path.display();
    let line = format!(
        "apply -f {path} --yes --json {flags} --server {}",
        server.url
    );
    let outcome = machine.run(&line).await.expect("an outcome");
    let mut heard = server.heard();
    heard.retain(|call| !call.starts_with("GET "));
    (outcome.exit, heard, outcome.json.expect("JSON"))
}

#[tokio::test]
async fn what_is_missing_is_made_and_told() {
    let mut script = before(&json!([]));
    script.push(json("201 Created", &group("Builders")));
    let (exit, heard, told) = applied(NEW_GROUP, "", script).await;
    assert_eq!(exit, Exit::Done);
    let call = r#"POST /api/v1/groups | - | {"description":"Builders","name":"dev"}"#;
    assert_eq!(heard, [call]);
    let act = json!({"act": "create", "kind": "group", "name": "dev", "result": "done",
        "error": null,
        "fields": [{"field": "description", "before": null, "after": "Builders"}]});
    assert_eq!(told, json!({"items": [act], "next": null}));
}

#[tokio::test]
async fn a_dry_run_sends_nothing_and_tells_of_differences() {
    let (exit, heard, told) = applied(NEW_GROUP, "--dry-run", before(&json!([]))).await;
    assert_eq!((exit, heard.len()), (Exit::Conflict, 0));
    assert_eq!(told["items"][0]["result"], "planned");
    let same = before(&json!([group("Builders")]));
    let (exit, heard, told) = applied(NEW_GROUP, "--dry-run", same).await;
    assert_eq!((exit, heard.len()), (Exit::Done, 0));
    assert_eq!(told["items"], json!([]));
}

#[tokio::test]
async fn a_change_names_the_state_that_it_rests_on() {
    let mut script = before(&json!([group("")]));
    // Something else was changed in between the first time.
    script.extend([tagged(&group("")), outdated(), tagged(&group(""))]);
    script.push(json("200 OK", &group("Builders")));
    let server = fake(script).await;
    let machine = Machine::new();
    let path = machine.config().join("x.toml");
    std::fs::write(&path, NEW_GROUP).expect("file");
    let line = format!("apply -f {} --yes --server {}", path.display(), server.url);
    let outcome = machine.run(&line).await.expect("applied");
    assert_eq!(outcome.exit, Exit::Done);
    let log = server.heard.lock().expect("log");
    let changes = log.iter().filter(|request| request.starts_with("PATCH "));
    let changes: Vec<&String> = changes.collect();
    assert_eq!(changes.len(), 2);
    assert!(
        changes.iter().all(|it| it.contains("if-match: \"v1\"")),
        "{changes:?}"
    );
}

#[tokio::test]
async fn what_someone_else_changed_is_not_overwritten() {
    let other = tagged(&group("Someone's"));
    let gone = json!({"status": 404, "code": "group_not_found", "detail": "no such group"});
    let gone = json("404 Not Found", &gone);
    // A robot would be made after it.
    let file = format!("{NEW_GROUP}[[robots]]\nname = 'ci'\nowner = 'alice'\n");
    for now in [other, gone] {
        let mut script = before(&json!([group("")]));
        let users = script.len() - 1;
        let alice = json!({"name": "alice", "kind": "person", "superuser": false,
            "disabled": false, "created_at": "2030-01-01T00:00:00Z"});
        script[users] = list(&json!([alice]));
        script.push(now);
        let (exit, heard, told) = applied(&file, "", script).await;
        assert_eq!(exit, Exit::Conflict);
        assert_eq!(heard, [""; 0]);
        let results = told["items"].as_array().expect("items").iter();
        let results: Vec<&Value> = results.map(|it| &it["result"]).collect();
        assert_eq!(results, ["failed", "not_tried"]);
    }
}

#[tokio::test]
async fn what_fails_after_something_was_done_is_a_part() {
    let refusal = json!({"status": 400, "code": "name_invalid", "detail": "no such name"});
    let mut script = before(&json!([]));
    script.push(json("201 Created", &group("Builders")));
    script.push(json("400 Bad Request", &refusal));
    let file = format!("{NEW_GROUP}[[groups]]\nname = 'ops'\n");
    let (exit, heard, told) = applied(&file, "", script).await;
    assert_eq!((exit, heard.len()), (Exit::Partly, 2));
    assert_eq!(told["items"][0]["result"], "done");
    assert_eq!(told["items"][1]["error"], "no such name");
}

#[tokio::test]
async fn a_wrong_file_asks_nothing() {
    let machine = Machine::new();
    let path = machine.config().join("x.toml");
    for (text, told) in [
        ("[[group]]\n", "x.toml:1:3: unknown field `group`"),
        (
            "[[groups]]\nname = 'a'\n[[groups]]\nname = 'a'\n",
            "x.toml:3:1: group a stands",
        ),
        (
            "[[repositories]]\nname = 'npm/x'\n\
             upstream = { url = 'https://x.example', password_env = 'NO_SUCH_VARIABLE' }\n",
            "the variable NO_SUCH_VARIABLE of `password_env` is not set",
        ),
        (
            "[[repositories]]\nname = 'npm/x'\n\
             upstream = { url = 'https://x.example', password_file = 'no-such-file' }\n",
            "no-such-file cannot be read",
        ),
        // The half of it that fits would be another file.
        (
            &*"# a comment\n".repeat(100_000),
            "is longer than 1048576 bytes",
        ),
    ] {
        std::fs::write(&path, text).expect("file");
        // Nobody listens there.
        let line = format!("apply -f {} --server http://127.0.0.1:1", path.display());
        let failure = machine.run(&line).await.expect_err(told);
        assert_eq!(failure.exit(), Exit::Usage, "{failure}");
        assert!(failure.to_string().contains(told), "{failure}");
    }
}

#[tokio::test]
async fn a_password_comes_from_a_file_beside_and_is_not_told() {
    let machine = Machine::new();
    std::fs::write(machine.config().join("secret"), "s3cret\n").expect("file");
    let path = machine.config().join("x.toml");
    let text = "[[repositories]]\nname = 'npm/x'\n\
        upstream = { url = 'https://x.example', password_file = 'secret' }\n";
    std::fs::write(&path, text).expect("file");
    let mut script = before(&json!([]));
    script.push(json("201 Created", &json!({})));
    let server = fake(script).await;
    let flags = format!("--yes --json --server {}", server.url);
    let line = format!("apply -f {} {flags}", path.display());
    let outcome = machine.run(&line).await.expect("applied");
    let calls = server.heard();
    let post = calls.last().expect("a call");
    assert!(
        post.starts_with("POST ") && post.contains(r#""password":"s3cret""#),
        "{post}"
    );
    let told = outcome.json.expect("JSON").to_string();
    assert!(
        told.contains("(secret)") && !told.contains("s3cret"),
        "{told}"
    );
}
