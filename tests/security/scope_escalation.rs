//! Class 5: a credential buys a stronger one at the token endpoint.
//!
//! Random chains of exchanges are held to a model in `web/src/tests/proofs/exchanges.rs`; the
//! endpoint's own cases are in `tests/access/tokens.rs` (`tokens_never_widen`). Here chains go
//! through the endpoint itself, in each way to show a credential.

use crate::callers::{bearer, larder, token};
use larder_tests::larder::PASSWORD;
use larder_tests::random::Random;
use larder_tests::{Client, Image, Larder};
use serde_json::json;
use std::collections::BTreeSet;

const IMAGES: [&str; 3] = ["team/app", "team/other", "secret/app"];
const ACTIONS: [&str; 3] = ["pull", "push", "delete"];

/// An image and what is done to it.
type Right = (&'static str, &'static str);

/// What a client may, found by trying: nothing of it changes anything.
fn rights(client: &Client) -> BTreeSet<Right> {
    let mut rights = BTreeSet::new();
    let nothing = format!("sha256:{}", "0".repeat(64));
    for image in IMAGES {
        let requests = [
            ("pull", "GET", format!("/v2/{image}/manifests/latest")),
            ("push", "PUT", format!("/v2/{image}/manifests/{nothing}")),
            ("delete", "DELETE", format!("/v2/{image}/blobs/{nothing}")),
        ];
        for (action, method, path) in requests {
            let answer = client.send(method, &path, &[], b"");
            let refused = matches!(answer.status, 401 | 403);
            // What may be read is there, and what may be deleted is not.
            let expected = match action {
                "pull" => answer.status == 200,
                "delete" => answer.status == 404,
                _ => answer.status == 400,
            };
            if !refused && expected {
                rights.insert((image, action));
            }
        }
    }
    rights
}

/// A random scope, and what it asks for at most.
fn scope(random: &mut Random) -> (String, BTreeSet<Right>) {
    let (mut query, mut asked) = (String::new(), BTreeSet::new());
    for image in IMAGES {
        let some: Vec<&'static str> = ACTIONS
            .into_iter()
            .filter(|_| random.below(2) == 0)
            .collect();
        let word = if random.below(5) == 0 {
            "*".to_owned()
        } else {
            some.join(",")
        };
        let all = if word == "*" { ACTIONS.to_vec() } else { some };
        query.push_str(&format!("&scope=repository:{image}:{word}"));
        asked.extend(all.into_iter().map(|action| (image, action)));
    }
    (query, asked)
}

/// A token that a client is given, and one to log in again with, if it is given one.
fn exchange(client: &Client, scope: &str) -> (String, Option<String>) {
    let path = format!("/v2/token?service=larder&offline_token=true{scope}");
    read(&client.get(&path))
}

fn read(answer: &larder_tests::Response) -> (String, Option<String>) {
    assert_eq!(answer.status, 200, "{}", answer.text());
    let answer = answer.json();
    let refresh = answer["refresh_token"].as_str().map(str::to_owned);
    (answer["token"].as_str().expect("token").to_owned(), refresh)
}

/// A server with images and the kinds of credentials that a chain begins with.
fn house() -> (Larder, Vec<Client>) {
    let larder = larder();
    let image = Image::random(&mut Random::seeded(), &[100]);
    for name in IMAGES {
        image.push(&larder.admin(), name, "latest");
    }
    let alice = larder.make_user("alice");
    larder.grant("user:alice", "oci/team", "*", "maintainer");
    larder.grant("authenticated", "oci/secret", "*", "reader");
    let reads = json!([{"repository": "oci/team", "role": "reader"}]);
    let one = json!([{"repository": "oci/*", "package": "app", "role": "writer"}]);
    let limited = |grants| token(&alice, "", &json!({"name": "limited", "grants": grants})).1;
    let tokens = [limited(reads), limited(one)];
    let mut clients = vec![larder.anonymous(), alice];
    clients.extend(tokens.iter().map(|secret| bearer(&larder, secret)));
    (larder, clients)
}

#[test]
fn no_chain_of_exchanges_ends_with_more() {
    let (larder, clients) = house();
    let mut random = Random::seeded();
    let mut narrowed = 0;
    for first in clients {
        for _ in 0..3 {
            let (mut client, mut before) = (first.clone(), rights(&first));
            let mut may_refresh = true;
            for _ in 0..4 {
                let (scope, asked) = scope(&mut random);
                let (bought, refresh) = exchange(&client, &scope);
                let after = rights(&bearer(&larder, &bought));
                assert!(after.is_subset(&before), "{scope}: {after:?} of {before:?}");
                assert!(after.is_subset(&asked), "{scope}: {after:?} of {asked:?}");
                assert!(may_refresh || refresh.is_none(), "a longer token");
                narrowed += before.len() - after.len();
                // A token to log in with again may as much as what it was got with, no more.
                let again = refresh.filter(|_| random.below(2) == 0);
                if let Some(again) = again {
                    client = larder.user("anyone", &again);
                    let of_again = rights(&client);
                    assert_eq!(of_again, before);
                } else {
                    (client, before) = (bearer(&larder, &bought), after);
                    may_refresh = false;
                }
            }
        }
    }
    assert!(narrowed > 0);
}

#[test]
fn a_token_has_the_same_rights_however_it_is_shown() {
    let (larder, _) = house();
    let alice = larder.user("alice", PASSWORD);
    let grants = json!([{"repository": "oci/team", "package": "app", "role": "writer"}]);
    let (_, secret) = token(&alice, "", &json!({"name": "ci", "grants": grants}));
    let expected = rights(&bearer(&larder, &secret));
    assert_eq!(expected.len(), 2, "{expected:?}");
    let form = |fields: &str| {
        let headers = [("content-type", "application/x-www-form-urlencoded")];
        let scopes = "&scope=repository:team/app:*+repository:team/other:*+repository:secret/app:*";
        let body = format!("service=larder&client_id=test{fields}{scopes}");
        let answer = larder.anonymous();
        let answer = answer.send("POST", "/v2/token", &headers, body.as_bytes());
        bearer(&larder, &read(&answer).0)
    };
    for client in [
        larder.user("alice", &secret),
        larder.user("somebody-else", &secret),
        Client::with_authorization(larder.address(), &secret),
        Client::with_authorization(larder.address(), &format!("token {secret}")),
        form(&format!(
            "&grant_type=password&username=alice&password={secret}"
        )),
        form(&format!("&grant_type=refresh_token&refresh_token={secret}")),
    ] {
        assert_eq!(rights(&client), expected, "{client:?}");
    }
    // Where no secret belongs, it is none.
    let nobody = larder.anonymous();
    for (path, headers) in [
        (
            format!("/v2/team/app/tags/list?access_token={secret}"),
            vec![],
        ),
        (format!("/v2/team/app/tags/list?token={secret}"), vec![]),
        (
            "/v2/team/app/tags/list".to_owned(),
            vec![("cookie", format!("token={secret}"))],
        ),
        (
            "/v2/team/app/tags/list".to_owned(),
            vec![("x-api-key", secret.clone())],
        ),
        (
            "/v2/team/app/tags/list".to_owned(),
            vec![("proxy-authorization", format!("Bearer {secret}"))],
        ),
    ] {
        let headers: Vec<(&str, &str)> = headers
            .iter()
            .map(|(name, value)| (*name, &**value))
            .collect();
        nobody.send("GET", &path, &headers, b"").expect(401);
    }
}

/// However many scopes are asked for: a token has the hundred that come first, and nothing of those
/// that grant nothing.
#[test]
fn a_token_is_no_longer_for_what_it_may_not() {
    let larder = larder();
    let scopes = |count: usize, image: &str| {
        let scope = |at: usize| format!("&scope=repository:{image}{at}:pull,push,delete");
        (0..count).map(scope).collect::<String>()
    };
    let length = |client: &Client, query: &str| {
        let told = client
            .get(&format!("/v2/token?service=x{query}"))
            .expect(200)
            .json();
        told["token"].as_str().expect("a token").len()
    };
    let nobody = larder.anonymous();
    let none = length(&nobody, "");
    let most = length(&nobody, &scopes(250, "secret/app"));
    assert!(most.abs_diff(none) < 100, "{none}, {most}");
    // Of an administrator's the first hundred count.
    let admin = larder.admin();
    let hundred = length(&admin, &scopes(100, "team/app"));
    let all = length(&admin, &scopes(250, "team/app"));
    assert!(
        hundred > none && all.abs_diff(hundred) < 100,
        "{hundred}, {all}"
    );
}
