//! The paths of the API, the only list of its calls, and how requests are read by it.

use crate::endpoint::{Endpoint, PackagePath, RepoPath, no_package, no_repo, no_user};
use crate::page::Page;
use crate::query::{Query, bad_path, segments};
use http::request::Parts;
use larder_model::{Kind, PackageName, Permission, Problem, UserName, Verb};
use std::borrow::Cow;

/// Where the API begins.
pub(crate) const ROOT: &str = "/api/v1";

type Read = fn(&[&str], &mut Query) -> Result<Endpoint, Problem>;

/// One path and what can be done there.
pub struct Path {
    /// The path after `/api/v1`, with its parameters in braces.
    pub template: &'static str,
    /// Its methods, as the `Allow` header tells them.
    pub allow: &'static str,
    calls: &'static [(&'static str, Read)],
}

impl Path {
    /// The methods that have a call of their own.
    pub fn methods(&self) -> impl Iterator<Item = &'static str> {
        self.calls.iter().map(|(method, _)| *method)
    }

    /// The parameters of the path, if `segments` fit the template.
    fn fit<'a>(&self, segments: &'a [String]) -> Option<Vec<&'a str>> {
        let template = || self.template.split('/').skip(1);
        if template().count() != segments.len() {
            return None;
        }
        let mut parameters = Vec::new();
        for (wanted, segment) in template().zip(segments) {
            if wanted.starts_with('{') && !segment.is_empty() {
                parameters.push(segment.as_str());
            } else if wanted != segment {
                return None;
            }
        }
        Some(parameters)
    }

    /// A slash stands within the name of a package, and nowhere else.
    fn require_plain(&self, segments: &[String]) -> Result<(), Problem> {
        let mut pairs = self.template.split('/').skip(1).zip(segments);
        match pairs.find(|(wanted, segment)| segment.contains('/') && *wanted != "{package}") {
            Some(_) => Err(bad_path()),
            None => Ok(()),
        }
    }
}

/// All paths of the API.
pub const PATHS: [Path; 18] = [
    Path {
        template: "/repositories",
        allow: "GET, HEAD, POST",
        calls: &[
            ("GET", |_, query| {
                Ok(Endpoint::ListRepositories(Page::read(query)?))
            }),
            ("POST", |_, _| Ok(Endpoint::CreateRepository)),
        ],
    },
    Path {
        template: "/repositories/{protocol}/{name}",
        allow: "GET, HEAD, PATCH, DELETE",
        calls: &[
            ("GET", |at, _| Ok(Endpoint::GetRepository(repo(at)?))),
            ("PATCH", |at, _| Ok(Endpoint::ChangeRepository(repo(at)?))),
            ("DELETE", |at, query| {
                let force = query.flag("force")?;
                Ok(Endpoint::DeleteRepository(repo(at)?, force))
            }),
        ],
    },
    Path {
        template: "/repositories/{protocol}/{name}/packages",
        allow: "GET, HEAD",
        calls: &[("GET", packages)],
    },
    Path {
        template: "/repositories/{protocol}/{name}/packages/{package}",
        allow: "DELETE",
        calls: &[("DELETE", |at, _| {
            Ok(Endpoint::DeletePackage(package(at)?.0))
        })],
    },
    Path {
        template: "/repositories/{protocol}/{name}/packages/{package}/versions",
        allow: "GET, HEAD",
        calls: &[("GET", |at, query| {
            Ok(Endpoint::ListVersions(package(at)?.0, Page::read(query)?))
        })],
    },
    Path {
        template: "/repositories/{protocol}/{name}/packages/{package}/versions/{version}",
        allow: "GET, HEAD, PATCH, DELETE",
        calls: &[
            ("GET", |at, _| version(at, Endpoint::GetVersion)),
            ("PATCH", |at, _| version(at, Endpoint::ChangeVersion)),
            ("DELETE", |at, _| version(at, Endpoint::DeleteVersion)),
        ],
    },
    Path {
        template: "/repositories/{protocol}/{name}/upstream/check",
        allow: "POST",
        calls: &[("POST", |at, _| Ok(Endpoint::CheckUpstream(repo(at)?)))],
    },
    Path {
        template: "/upstreams",
        allow: "GET, HEAD",
        calls: &[("GET", |_, query| {
            Ok(Endpoint::ListUpstreams(Page::read(query)?))
        })],
    },
    Path {
        template: "/users",
        allow: "GET, HEAD, POST",
        calls: &[
            ("GET", |_, query| {
                Ok(Endpoint::ListUsers(Page::read(query)?))
            }),
            ("POST", |_, _| Ok(Endpoint::CreateUser)),
        ],
    },
    Path {
        template: "/users/{name}",
        allow: "GET, HEAD, PATCH, DELETE",
        calls: &[
            ("GET", |at, _| Ok(Endpoint::GetUser(user(at)?))),
            ("PATCH", |at, _| Ok(Endpoint::ChangeUser(user(at)?))),
            ("DELETE", |at, _| Ok(Endpoint::DeleteUser(user(at)?))),
        ],
    },
    Path {
        template: "/tokens",
        allow: "GET, HEAD, POST",
        calls: &[
            ("GET", |_, query| {
                Ok(Endpoint::ListTokens {
                    owner: owner(query)?,
                    page: Page::read(query)?,
                })
            }),
            ("POST", |_, query| Ok(Endpoint::CreateToken(owner(query)?))),
        ],
    },
    Path {
        template: "/tokens/{id}",
        allow: "DELETE",
        calls: &[("DELETE", |at, _| {
            Ok(Endpoint::DeleteToken(id(at, "token")?))
        })],
    },
    Path {
        template: "/grants",
        allow: "GET, HEAD, POST",
        calls: &[
            ("GET", |_, query| {
                Ok(Endpoint::ListGrants(Page::read(query)?))
            }),
            ("POST", |_, _| Ok(Endpoint::CreateGrant)),
        ],
    },
    Path {
        template: "/grants/{id}",
        allow: "DELETE",
        calls: &[("DELETE", |at, _| {
            Ok(Endpoint::DeleteGrant(id(at, "grant")?))
        })],
    },
    Path {
        template: "/settings",
        allow: "GET, HEAD, PATCH",
        calls: &[
            ("GET", |_, _| Ok(Endpoint::GetSettings)),
            ("PATCH", |_, _| Ok(Endpoint::ChangeSettings)),
        ],
    },
    Path {
        template: "/whoami",
        allow: "GET, HEAD",
        calls: &[("GET", |_, _| Ok(Endpoint::Whoami))],
    },
    Path {
        template: "/connect/{client}/{protocol}/{name}",
        allow: "GET, HEAD",
        calls: &[("GET", |at, _| connect(at))],
    },
    Path {
        template: "/can",
        allow: "GET, HEAD",
        calls: &[("GET", |_, query| can(query))],
    },
];

/// Reads a request.
pub(crate) fn parse(request: &Parts) -> Result<Endpoint, Problem> {
    let unknown = || Problem::not_found("path", "no such path in the API");
    let rest = request
        .uri
        .path()
        .strip_prefix(ROOT)
        .and_then(|rest| rest.strip_prefix('/'))
        .ok_or_else(unknown)?;
    let segments = segments(rest)?;
    let fit = PATHS
        .iter()
        .find_map(|path| Some((path, path.fit(&segments)?)));
    let (path, parameters) = fit.ok_or_else(unknown)?;
    path.require_plain(&segments)?;
    let method = match request.method.as_str() {
        "HEAD" => "GET",
        method => method,
    };
    let Some((_, read)) = path.calls.iter().find(|(known, _)| *known == method) else {
        // The methods of the path are what this problem is about: the refusal tells them in a
        // header.
        return Err(Problem::new(
            Kind::Method,
            path.allow,
            format!("this path takes {}", path.allow),
        ));
    };
    let mut query = Query::read(request.uri.query().unwrap_or_default())?;
    let endpoint = read(&parameters, &mut query)?;
    query.finish()?;
    Ok(endpoint)
}

/// What cannot be a name is the name of nothing.
fn repo(at: &[&str]) -> Result<RepoPath, Problem> {
    let [protocol, name] = at else {
        return Err(no_repo());
    };
    RepoPath::read(protocol, name).ok_or_else(no_repo)
}

fn packages(at: &[&str], query: &mut Query) -> Result<Endpoint, Problem> {
    let (path, words) = (repo(at)?, query.take("q").unwrap_or_default());
    let words = canonical(&path, &words).into_owned();
    Ok(Endpoint::ListPackages {
        path,
        page: Page::read(query)?,
        words,
    })
}

/// The one spelling of a name.
fn canonical<'a>(repo: &RepoPath, name: &'a str) -> Cow<'a, str> {
    larder_mirrors::of(repo.protocol)
        .map_or(name.into(), |protocol| protocol.names().canonical(name))
}

/// A package in whatever spelling, and what follows it.
fn package<'a>(at: &'a [&'a str]) -> Result<(PackagePath, &'a [&'a str]), Problem> {
    let [protocol, name, package, rest @ ..] = at else {
        return Err(no_package());
    };
    let repo = repo(&[protocol, name])?;
    let package = canonical(&repo, package)
        .parse::<PackageName>()
        .map_err(|_| no_package())?
        .as_str()
        .into();
    Ok((PackagePath { repo, package }, rest))
}

fn version(
    at: &[&str],
    endpoint: fn(PackagePath, Box<str>) -> Endpoint,
) -> Result<Endpoint, Problem> {
    let (package, rest) = package(at)?;
    Ok(endpoint(
        package,
        rest.first().copied().unwrap_or_default().into(),
    ))
}

fn connect(at: &[&str]) -> Result<Endpoint, Problem> {
    let (client, repository) = at.split_first().ok_or_else(no_repo)?;
    Ok(Endpoint::Connect {
        client: larder_mirrors::clients::client(client)?,
        path: repo(repository)?,
    })
}

fn user(at: &[&str]) -> Result<UserName, Problem> {
    at.first()
        .and_then(|name| name.parse().ok())
        .ok_or_else(no_user)
}

fn id(at: &[&str], about: &'static str) -> Result<i64, Problem> {
    let read = |text: &&str| {
        text.parse::<i64>()
            .ok()
            .filter(|id| *id > 0 && id.to_string() == **text)
    };
    at.first()
        .and_then(read)
        .ok_or_else(|| Problem::not_found(about, format!("there is no such {about}")))
}

fn owner(query: &mut Query) -> Result<Option<UserName>, Problem> {
    query
        .take("owner")
        .map(|name| name.parse().map_err(|_| no_user()))
        .transpose()
}

fn can(query: &mut Query) -> Result<Endpoint, Problem> {
    let repository = query.need("repository")?;
    let path = repository
        .split_once('/')
        .and_then(|(protocol, name)| RepoPath::read(protocol, name));
    let path = path.ok_or_else(|| {
        Problem::invalid("repository", "repository is protocol/name, e.g. oci/team")
    })?;
    let action = query.need("action")?;
    let verb = [Verb::Read, Verb::Write, Verb::Delete, Verb::Administer]
        .into_iter()
        .find(|verb| verb.word() == action);
    let verb = verb
        .ok_or_else(|| Problem::invalid("action", "action is read, write, delete or administer"))?;
    let what = Permission {
        package: query.take("package").map(Into::into),
        ..path.permission(verb)
    };
    Ok(Endpoint::Can {
        who: query.take("subject"),
        what,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(method: &str, uri: &str) -> Result<Endpoint, (u16, &'static str)> {
        let request = http::Request::builder()
            .method(method)
            .uri(uri)
            .body(())
            .expect("request");
        parse(&request.into_parts().0).map_err(|problem| (problem.kind.status(), problem.about))
    }

    fn main() -> RepoPath {
        RepoPath::read("npm", "main").expect("path")
    }

    fn scoped() -> PackagePath {
        PackagePath {
            repo: main(),
            package: "@a/b".into(),
        }
    }

    fn team() -> RepoPath {
        RepoPath::read("oci", "team").expect("path")
    }

    #[test]
    fn calls() {
        let page = |limit, after: &str| Page {
            limit,
            after: after.into(),
        };
        let alice = || "alice".parse::<UserName>().expect("name");
        for (method, uri, expected) in [
            (
                "GET",
                "/api/v1/repositories",
                Endpoint::ListRepositories(page(100, "")),
            ),
            (
                "HEAD",
                "/api/v1/repositories?limit=2&after=oci%2Fa",
                Endpoint::ListRepositories(page(2, "oci/a")),
            ),
            ("POST", "/api/v1/repositories", Endpoint::CreateRepository),
            (
                "GET",
                "/api/v1/repositories/oci/team",
                Endpoint::GetRepository(team()),
            ),
            (
                "GET",
                "/api/v1/repositories/oc%69/t%65am",
                Endpoint::GetRepository(team()),
            ),
            (
                "PATCH",
                "/api/v1/repositories/oci/team",
                Endpoint::ChangeRepository(team()),
            ),
            (
                "DELETE",
                "/api/v1/repositories/oci/team",
                Endpoint::DeleteRepository(team(), false),
            ),
            (
                "GET",
                "/api/v1/repositories/npm/main/packages?q=a&limit=2",
                Endpoint::ListPackages {
                    path: main(),
                    page: page(2, ""),
                    words: "a".into(),
                },
            ),
            (
                "GET",
                "/api/v1/repositories/npm/main/packages/@a%2Fb/versions",
                Endpoint::ListVersions(scoped(), page(100, "")),
            ),
            (
                "PATCH",
                "/api/v1/repositories/npm/main/packages/%40a%2fb/versions/1.0%2B1",
                Endpoint::ChangeVersion(scoped(), "1.0+1".into()),
            ),
            (
                "DELETE",
                "/api/v1/repositories/npm/main/packages/@a%2Fb",
                Endpoint::DeletePackage(scoped()),
            ),
            ("GET", "/api/v1/users/alice", Endpoint::GetUser(alice())),
            (
                "GET",
                "/api/v1/users/a%40b",
                Endpoint::GetUser("a@b".parse().expect("name")),
            ),
            (
                "GET",
                "/api/v1/tokens?owner=alice",
                Endpoint::ListTokens {
                    owner: Some(alice()),
                    page: page(100, ""),
                },
            ),
            ("POST", "/api/v1/tokens", Endpoint::CreateToken(None)),
            ("DELETE", "/api/v1/tokens/12", Endpoint::DeleteToken(12)),
            ("DELETE", "/api/v1/grants/12", Endpoint::DeleteGrant(12)),
            (
                "GET",
                "/api/v1/connect/podman/oci/team",
                Endpoint::Connect {
                    client: "podman",
                    path: team(),
                },
            ),
            ("GET", "/api/v1/whoami", Endpoint::Whoami),
        ] {
            assert_eq!(read(method, uri), Ok(expected), "{method} {uri}");
        }
        let what = Permission {
            package: Some("a/b".into()),
            ..team().permission(Verb::Write)
        };
        let asked = "/api/v1/can?subject=user:alice&repository=oci/team&package=a%2Fb&action=write";
        assert_eq!(
            read("GET", asked),
            Ok(Endpoint::Can {
                who: Some("user:alice".into()),
                what
            })
        );
    }

    #[test]
    fn what_is_not_there() {
        for uri in [
            "/",
            "/api",
            "/api/v1",
            "/api/v1/",
            "/api/v2/users",
            "/api/v1/users/",
            "/api/v1//users",
            "/api/v1x/users",
        ] {
            assert_eq!(read("GET", uri), Err((404, "path")), "{uri}");
        }
        for uri in [
            "/api/v1/repositories/oci/Team",
            "/api/v1/repositories/x/team",
            "/api/v1/repositories/OCI/team",
        ] {
            assert_eq!(read("GET", uri), Err((404, "repository")), "{uri}");
        }
        assert_eq!(
            read("GET", "/api/v1/connect/gem/oci/team"),
            Err((404, "client"))
        );
        assert_eq!(
            read("GET", "/api/v1/connect/podman/oci/Team"),
            Err((404, "repository"))
        );
        assert_eq!(read("GET", "/api/v1/users/a%20b"), Err((404, "user")));
        for id in ["x", "-1", "+1", "01", "0", "99999999999999999999"] {
            assert_eq!(
                read("DELETE", &format!("/api/v1/tokens/{id}")),
                Err((404, "token")),
                "{id}"
            );
        }
        for uri in [
            "oci/a%2Fb",
            "npm/a/packages/b/versions/1%2F2",
            "npm/a/packages/%2Fb/versions",
            "npm/a/packages/b%2F..%2Fc/versions",
        ] {
            assert_eq!(
                read("GET", &format!("/api/v1/repositories/{uri}")),
                Err((400, "path")),
                "{uri}"
            );
        }
    }

    #[test]
    fn what_is_wrong() {
        assert_eq!(read("PUT", "/api/v1/users"), Err((405, "GET, HEAD, POST")));
        assert_eq!(read("GET", "/api/v1/tokens/1"), Err((405, "DELETE")));
        assert_eq!(read("GET", "/api/v1/whoami?x=1"), Err((400, "query")));
        assert_eq!(read("GET", "/api/v1/users?limit=0"), Err((400, "limit")));
        assert_eq!(
            read("GET", "/api/v1/can?action=read"),
            Err((400, "repository"))
        );
        assert_eq!(
            read("GET", "/api/v1/can?repository=team&action=read"),
            Err((400, "repository"))
        );
        assert_eq!(
            read("GET", "/api/v1/can?repository=oci/a&action=list"),
            Err((400, "action"))
        );
    }

    #[test]
    fn the_allow_header_tells_the_methods() {
        for path in &PATHS {
            let told = path.methods().flat_map(|method| {
                if method == "GET" {
                    vec!["GET", "HEAD"]
                } else {
                    vec![method]
                }
            });
            assert_eq!(
                told.collect::<Vec<_>>().join(", "),
                path.allow,
                "{}",
                path.template
            );
        }
    }
}
