//! Where and in which role: the part that grants and the limits of tokens have in common.

use crate::fields::{Fields, needed};
use larder_model::{Pattern, Problem, ProtocolName, RepoName, Role};

/// These packages of these repositories, in this role.
#[derive(Debug)]
pub(crate) struct Scope {
    pub(crate) repository: Pattern,
    pub(crate) package: Pattern,
    pub(crate) role: Role,
}

impl Scope {
    /// Takes `repository`, `package` and `role` out of an object.
    pub(crate) fn take(fields: &mut Fields) -> Result<Self, Problem> {
        let repository: Pattern = needed(fields.parsed("repository")?, "repository")?;
        check(&repository)?;
        let package = match fields.parsed("package")? {
            Some(package) => package,
            None => "*".parse().map_err(Problem::internal)?,
        };
        let role = needed(fields.text("role")?, "role")?.parse();
        let role = role.map_err(|()| {
            Problem::invalid("role", "role is reader, writer, maintainer or admin")
        })?;
        Ok(Self {
            repository,
            package,
            role,
        })
    }
}

/// Refuses a pattern that can stand for no repository, which is a slip of the pen.
fn check(repository: &Pattern) -> Result<(), Problem> {
    let text = repository.as_str();
    let wrong = |why: &str| {
        let detail = format!(
            "`repository` is protocol/name, with * for any run of characters, e.g. oci/team-*: {why}"
        );
        Problem::invalid("repository", detail)
    };
    let starred = |text: &str| text.contains('*');
    let Some((protocol, name)) = text.split_once('/') else {
        return if starred(text) {
            Ok(())
        } else {
            Err(wrong("there is no slash"))
        };
    };
    if !starred(protocol) {
        protocol
            .parse::<ProtocolName>()
            .map_err(|error| wrong(error.0))?;
    }
    if starred(name) {
        return Ok(());
    }
    name.parse::<RepoName>()
        .map(drop)
        .map_err(|error| wrong(error.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn take(body: &str) -> Result<Scope, Problem> {
        let mut fields = Fields::read(body.as_bytes())?;
        let scope = Scope::take(&mut fields)?;
        fields.finish()?;
        Ok(scope)
    }

    #[test]
    fn patterns_that_can_match() {
        for good in [
            "oci/team",
            "oci/team-*",
            "oci/*",
            "*",
            "*/team",
            "o*",
            "*i/t*m",
            "npm/docker.io",
        ] {
            let scope = take(&format!(r#"{{"repository":"{good}","role":"reader"}}"#)).expect(good);
            assert_eq!(
                (scope.repository.as_str(), scope.package.as_str()),
                (good, "*")
            );
        }
        for bad in [
            "team",
            "",
            "oci/",
            "oci/Team",
            "ocy/team",
            "oci/a/b",
            "ocy/*",
            "*/Team",
            "*********",
        ] {
            let problem =
                take(&format!(r#"{{"repository":"{bad}","role":"reader"}}"#)).expect_err(bad);
            assert_eq!(problem.about, "repository", "{bad}");
        }
    }

    #[test]
    fn every_part_is_checked() {
        for (body, about) in [
            (r#"{"role":"reader"}"#, "repository"),
            (r#"{"repository":"*"}"#, "role"),
            (r#"{"repository":"*","role":"superuser"}"#, "role"),
            (
                r#"{"repository":"*","role":"reader","package":""}"#,
                "package",
            ),
            (
                r#"{"repository":"*","role":"reader","packages":"*"}"#,
                "body",
            ),
        ] {
            assert_eq!(take(body).expect_err(body).about, about, "{body}");
        }
    }
}
