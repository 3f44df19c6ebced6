//! Requests that a rule refused: who sees them, and how much of them.

use super::{House, ORIGIN, PASSWORD, basic, house};
use larder_access::Asked;
use larder_model::{Kind, Origin, Problem, Role, RuleKind, Ruling};
use serde_json::{Value, json};
use std::net::{IpAddr, Ipv4Addr};

impl House {
    /// The id of a refusal of an image in a repository, to somebody whom nobody knows.
    pub(super) async fn refused(&self, repo: &str) -> String {
        let ruling = Ruling {
            repository: Some(format!("oci/{repo}").into()),
            package: Some("main".into()),
            ..Ruling::of(RuleKind::Block)
        };
        let problem = Problem::new(Kind::Policy, "package", "main is blocked").ruled(ruling);
        let origin = Origin {
            address: IpAddr::V4(Ipv4Addr::LOCALHOST),
            request_id: "".into(),
        };
        let caller = self.gate.anonymous(origin.address);
        let asked = Asked::default();
        let id = self.gate.note_denied(&caller, &asked, &problem, &origin);
        self.gate.write_denied().await.expect("write");
        id.expect("id").into()
    }
}

/// The id that the sentence of a refusal ends with.
#[track_caller]
fn id_of(answer: &Value) -> String {
    let detail = answer["detail"].as_str().expect("detail");
    let begin = format!("; see {ORIGIN}/why/");
    let (_, id) = detail.split_once(&begin).expect(detail);
    assert_eq!(id.len(), 32, "{detail}");
    id.to_owned()
}

/// A keeper of `oci/team`, a reader of it, and somebody.
async fn people(house: &House) -> [String; 3] {
    house.repo("team").await;
    let [keeper, reader, somebody] = ["keeper", "reader", "somebody"];
    let headers = [
        house.user(keeper, false).await,
        house.user(reader, false).await,
        house.user(somebody, false).await,
    ];
    let (team, admin, read) = ("oci/team", Role::Admin, Role::Reader);
    house.admission("user:keeper", team, admin).await;
    house.admission("user:reader", team, read).await;
    headers
}

const CHANGE: &str = r#"{"description":"mine"}"#;

#[tokio::test]
async fn a_refusal_of_rights_has_an_id_for_who_may_read() {
    let house = house().await;
    let [keeper, reader, somebody] = people(&house).await;
    let change = "/repositories/oci/team";
    let (status, told) = house.ask(&reader, "PATCH", change, CHANGE).await;
    assert_eq!(status, 403);
    let id = id_of(&told);
    // The like of it has the same id; who may not read is told of none.
    let (_, again) = house.ask(&reader, "PATCH", change, CHANGE).await;
    assert_eq!(id_of(&again), id);
    for other in [&somebody, &String::new()] {
        let (_, told) = house.ask(other, "PATCH", change, CHANGE).await;
        assert!(!told.to_string().contains("/why/"), "{told}");
    }
    let why = format!("/why/{id}");
    let (status, shown) = house.ask(&keeper, "GET", &why, "").await;
    assert_eq!(status, 200);
    assert_eq!(
        (&shown["id"], &shown["count"], &shown["rule"]),
        (&json!(id), &json!(2), &json!("right"))
    );
    assert_eq!(
        (&shown["repository"], &shown["package"], &shown["verb"]),
        (&json!("oci/team"), &Value::Null, &json!("administer"))
    );
    assert_eq!(
        (&shown["actor"], &shown["address"], &shown["status"]),
        (&json!("user:reader"), &json!("127.0.0.1"), &json!(403))
    );
    let detail =
        "you may not administer team: that needs role admin on oci/team; ask its admin for a grant";
    assert_eq!(shown["detail"], detail);
    // To others an id is as good as none, whatever it looks like.
    for other in [&somebody, &String::new()] {
        let hidden = house.ask(other, "GET", &why, "").await;
        assert_eq!(hidden.0, 404);
        for none in ["0".repeat(32), "0".to_owned(), id.to_uppercase()] {
            let missing = house.ask(other, "GET", &format!("/why/{none}"), "").await;
            assert_eq!(hidden, missing, "{none}");
        }
    }
}

#[tokio::test]
async fn a_refusal_tells_each_as_much_as_they_may_know() {
    let house = house().await;
    let [_, reader, _] = people(&house).await;
    let other = house.user("other", false).await;
    let grant = house
        .admission("user:other", "oci/team", Role::Reader)
        .await;
    let (_, told) = house
        .ask(&other, "PATCH", "/repositories/oci/team", CHANGE)
        .await;
    let why = format!("/why/{}", id_of(&told));
    // Another reader learns who it was, and not from where.
    let (_, shown) = house.ask(&reader, "GET", &why, "").await;
    assert_eq!(shown["actor"], "user:other");
    assert_eq!(shown["address"], Value::Null);
    let (_, own) = house.ask(&other, "GET", &why, "").await;
    assert_eq!(own["address"], "127.0.0.1");
    // Whoever was refused and may not read any more is told what it was told before.
    let root = basic("admin", PASSWORD);
    let (status, _) = house
        .ask(&root, "DELETE", &format!("/grants/{grant}"), "")
        .await;
    assert_eq!(status, 204);
    let (status, own) = house.ask(&other, "GET", &why, "").await;
    assert_eq!((status, &own["detail"]), (200, &shown["detail"]));
    for hidden in [
        "repository",
        "package",
        "version",
        "verb",
        "actor",
        "address",
    ] {
        assert_eq!(own[hidden], Value::Null, "{hidden}");
    }
}

#[tokio::test]
async fn lists_have_what_the_caller_administers() {
    let house = house().await;
    let [keeper, reader, _] = people(&house).await;
    house.repo("else").await;
    house
        .admission("user:reader", "oci/else", Role::Reader)
        .await;
    for repo in ["team", "else", "team"] {
        let target = format!("/repositories/oci/{repo}");
        house.ask(&reader, "PATCH", &target, CHANGE).await;
    }
    house.refused("team").await;
    let root = basic("admin", PASSWORD);
    let list = async |who: &String, query: &str| {
        let target = format!("/denied?{query}");
        let (status, page) = house.ask(who, "GET", &target, "").await;
        assert_eq!(status, 200, "{page}");
        let items = page["items"].as_array().expect("items").clone();
        let told = |it: &Value| {
            let text = |field: &str| it[field].as_str().expect("text").to_owned();
            (text("repository"), text("rule"), it["count"].as_u64())
        };
        let items: Vec<_> = items.iter().map(told).collect();
        (items, page["next"].as_str().map(str::to_owned))
    };
    let line = |repo: &str, rule: &str, count| (repo.to_owned(), rule.to_owned(), Some(count));
    let block = line("oci/team", "block", 1);
    let elsewhere = line("oci/else", "right", 1);
    let team = line("oci/team", "right", 2);
    let all = [block.clone(), elsewhere.clone(), team.clone()];
    assert_eq!(list(&root, "").await, (all.to_vec(), None));
    let own = vec![block.clone(), team.clone()];
    assert_eq!(list(&keeper, "").await, (own.clone(), None));
    assert_eq!(list(&reader, "").await, (Vec::new(), None));
    for who in [&root, &keeper] {
        let (found, _) = list(who, "repository=oci%2Fteam").await;
        assert_eq!(found, own);
        assert_eq!(
            list(who, "rule=block").await.0,
            std::slice::from_ref(&block)
        );
        assert!(list(who, "since=2999-01-01T00:00:00Z").await.0.is_empty());
        assert_eq!(list(who, "grouped=false").await.0.last(), Some(&team));
        // Page by page.
        let (first, next) = list(who, "limit=1").await;
        let next = format!("limit=2&after={}", next.expect("more"));
        let rest = list(who, &next).await.0;
        let all = list(who, "").await.0;
        assert_eq!([first, rest].concat(), all);
    }
    for wrong in ["rule=right-away", "grouped=yes", "since=now", "after=x"] {
        let (status, _) = house
            .ask(&root, "GET", &format!("/denied?{wrong}"), "")
            .await;
        assert_eq!(status, 400, "{wrong}");
    }
    let (status, _) = house.ask(&String::new(), "GET", "/denied", "").await;
    assert_eq!(status, 401);
}
