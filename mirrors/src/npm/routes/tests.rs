use super::*;
use crate::npm::Npm;
use crate::testing::{call, get};

/// The package, the verb and the action of a change; `None` for another call.
fn request(method: &Method, path: &str) -> Result<Option<String>, Problem> {
    let Call::Publish(request) = call(&Npm, method, path, None)? else {
        return Ok(None);
    };
    let (package, verb) = (&request.package, request.verb);
    let debug = format!("{:?}", request.action);
    let action = debug.split_once("action: ").map(|(_, action)| action);
    let action = action.and_then(|action| action.strip_suffix(" }"));
    let action = action.expect("an action");
    Ok(Some(format!("{package} {verb:?} {action}")))
}

#[test]
fn changes_find_all_spellings_of_a_name() {
    let file = "@acme/widget Delete \
        UnpublishFile { file: \"widget-1.0.0.tgz\", revision: \"1-a\" }";
    let cases = [
        (Method::PUT, "/widget", "widget Write Publish"),
        (Method::PUT, "/@acme%2fwidget", "@acme/widget Write Publish"),
        (Method::PUT, "/@acme%2Fwidget", "@acme/widget Write Publish"),
        (Method::PUT, "/%40acme/widget", "@acme/widget Write Publish"),
        (
            Method::PUT,
            "/@acme/widget/-rev/1-a",
            "@acme/widget Delete KeepVersions(\"1-a\")",
        ),
        (
            Method::DELETE,
            "/@acme%2fwidget/-rev/1-a",
            "@acme/widget Delete Unpublish(\"1-a\")",
        ),
        (
            Method::DELETE,
            "/@acme/widget/-/widget-1.0.0.tgz/-rev/1-a",
            file,
        ),
        (
            Method::DELETE,
            "/@acme%2fwidget/-/@acme/widget-1.0.0.tgz/-rev/1-a",
            file,
        ),
        (
            Method::PUT,
            "/-/package/@acme%2fwidget/dist-tags/next",
            "@acme/widget Write SetTag(\"next\")",
        ),
        (
            Method::DELETE,
            "/-/package/widget/dist-tags/next",
            "widget Write RemoveTag(\"next\")",
        ),
    ];
    for (method, path, expected) in cases {
        assert_eq!(
            request(&method, path).expect(path).as_deref(),
            Some(expected),
            "{path}"
        );
    }
}

#[test]
fn other_requests_change_no_package() {
    let reading = [
        "/widget",
        "/@acme%2fwidget",
        "/-/package/widget/dist-tags",
        "/-/ping",
        "/widget/-/widget-1.0.0.tgz",
    ];
    for path in reading {
        assert_eq!(request(&Method::GET, path).expect(path), None, "{path}");
        assert_eq!(request(&Method::HEAD, path).expect(path), None, "{path}");
        let posted = request(&Method::POST, path).expect_err(path);
        assert_eq!(posted.kind, Kind::Unsupported, "{path}");
    }
    for path in ["/widget/latest", "/-/v1/login", "/widget/-rev"] {
        let problem = request(&Method::PUT, path).expect_err(path);
        assert_eq!(problem.kind, Kind::Unsupported, "{path}");
    }
    let login = request(&Method::PUT, "/-/user/org.couchdb.user:x");
    assert_eq!(login.expect("a login"), None);
    let problem = request(&Method::DELETE, "/widget").expect_err("nothing to delete");
    assert_eq!(problem.kind, Kind::Unsupported);
    let details = get(&Npm, "/-/package/@acme%2fwidget/visibility").expect("details");
    assert!(matches!(details, ReadRequest::Details(name) if *name == *"@acme/widget"));
    for path in ["/.hidden", "/a%20b", "/node_modules", "/@acme", "/"] {
        assert_eq!(
            request(&Method::PUT, path).expect_err(path).kind,
            Kind::Invalid,
            "{path}"
        );
    }
    assert!(request(&Method::DELETE, "/widget/-/widget.zip/-rev/1").is_err());
}
