//! Accounts of every kind, and how each shows who it is.

use super::{Admin, Header, House, PASSWORD, basic};
use larder_keys::secret::Secret;
use larder_metadata::grants::Grant;
use larder_metadata::groups::MemberId;
use larder_metadata::tokens::Token;
use larder_metadata::users::{NewRobot, User};
use larder_model::{Role, Timestamp, TokenKind};

impl House {
    /// A user or a robot.
    pub(super) async fn account(&self, name: &str) -> User {
        let user = self.metadata.user(name).await.expect("user");
        user.expect("there")
    }

    /// Makes a group and returns its id.
    pub(super) async fn group(&self, name: &str) -> i64 {
        let name = name.parse().expect("name");
        let group = self.metadata.add_group(&name, "", &Admin).await;
        group.expect("group").id
    }

    pub(super) async fn member(&self, group: i64, member: MemberId) {
        let added = self.metadata.add_member(group, member, &Admin).await;
        added.expect("member");
        self.gate.refresh().await.expect("refresh");
    }

    pub(super) async fn robot(&self, name: &str, owner: &str) {
        let new = NewRobot {
            name: &name.parse().expect("name"),
            description: "",
            owner: self.account(owner).await.id,
        };
        self.metadata.add_robot(new, &Admin).await.expect("robot");
        self.gate.refresh().await.expect("refresh");
    }

    /// Lets everyone of a network read.
    pub(super) async fn anonymous_from(&self, network: &str, repository: &str) {
        let id = self.admission("anonymous", repository, Role::Reader).await;
        let grant = self
            .metadata
            .grant(id)
            .await
            .expect("grant")
            .expect("there");
        self.metadata.drop_grant(id, &Admin).await.expect("drop");
        let networks = vec![network.parse().expect("network")];
        let grant = Grant { networks, ..grant };
        self.metadata
            .add_grant(&grant, &Admin)
            .await
            .expect("grant");
        self.gate.refresh().await.expect("refresh");
    }

    /// How a token is shown that ended a moment ago.
    pub(super) async fn expired_token(&self, owner: &str) -> Header {
        let secret = Secret::token().expect("secret");
        let now = self.metadata.now();
        let token = Token {
            id: self.metadata.new_id(),
            owner: self.account(owner).await.id,
            name: "test".into(),
            kind: TokenKind::Access,
            grants: None,
            created_at: now,
            expires_at: Some(Timestamp(now.0 - 1)),
            last_used_at: Timestamp(0),
            last_used_from: "".into(),
        };
        let kept = self
            .metadata
            .add_token(&token, &secret.hash(), &Admin)
            .await;
        kept.expect("token");
        format!("Bearer {}", secret.expose())
    }

    /// Reads the rights again.
    async fn refresh(&self) {
        self.gate.refresh().await.expect("refresh");
    }
}

/// The repositories in which the callers of the matrix are someone.
const TEAM: &str = "oci/team*";

/// Makes a caller, and gives back how it shows who it is.
pub(super) async fn show(house: &House, caller: &str) -> Header {
    match caller {
        "superuser" => basic("admin", PASSWORD),
        "limited token of a superuser" => house.token("admin", Some((TEAM, Role::Admin))).await.1,
        "unknown token" => {
            let secret = Secret::token().expect("secret");
            format!("Bearer {}", secret.expose())
        }
        _ if caller.starts_with("anonymous") => anonymous(house, caller).await,
        _ if caller.contains("member") => member(house, caller).await,
        _ if caller.contains("robot") => robot(house, caller).await,
        _ if caller.contains("token") => token(house, caller).await,
        _ => user(house, caller).await,
    }
}

async fn anonymous(house: &House, caller: &str) -> Header {
    // Requests of these tests come from 127.0.0.1.
    match caller {
        "anonymous" => {}
        "anonymous in its network" => house.anonymous_from("127.0.0.0/8", TEAM).await,
        "anonymous outside its network" => house.anonymous_from("192.0.2.0/24", TEAM).await,
        _ => panic!("nobody knows how to be {caller}"),
    }
    Header::new()
}

async fn user(house: &House, caller: &str) -> Header {
    let header = house.user("caller", false).await;
    let granted = match caller {
        "no grant" => None,
        "reader" => Some((TEAM, Role::Reader)),
        "writer" => Some((TEAM, Role::Writer)),
        "maintainer" => Some((TEAM, Role::Maintainer)),
        "admin" => Some((TEAM, Role::Admin)),
        "admin elsewhere" => Some(("oci/other*", Role::Admin)),
        "disabled user" => Some(("*", Role::Admin)),
        _ => panic!("nobody knows how to be {caller}"),
    };
    if let Some((repository, role)) = granted {
        house.admission("user:caller", repository, role).await;
    }
    if caller != "disabled user" {
        return header;
    }
    // Its token: wrong passwords are counted.
    let header = house.token("caller", None).await.1;
    let user = house.account("caller").await;
    let changed = house
        .metadata
        .change_user(&user, None, true, true, &Admin)
        .await;
    changed.expect("disabled");
    house.refresh().await;
    header
}

async fn member(house: &House, caller: &str) -> Header {
    let header = house.user("caller", false).await;
    let id = MemberId::User(house.account("caller").await.id);
    let (inner, outer) = (house.group("inner").await, house.group("outer").await);
    house.member(inner, id).await;
    if caller == "member of a nested group" {
        house.member(outer, MemberId::Group(inner)).await;
        house.admission("group:outer", TEAM, Role::Maintainer).await;
        return header;
    }
    house.admission("group:inner", TEAM, Role::Writer).await;
    if caller == "removed member" {
        // It was let in before.
        let before = house
            .ask(&header, "GET", "/repositories/oci/team-a", "")
            .await;
        assert_eq!(before.0, 200);
        let removed = house.metadata.remove_member(inner, id, &Admin).await;
        removed.expect("removed");
        house.refresh().await;
    }
    header
}

async fn robot(house: &House, caller: &str) -> Header {
    house.admission("robot:caller", TEAM, Role::Admin).await;
    house.user("owner", false).await;
    house.robot("caller", "owner").await;
    if caller == "robot, narrow token" {
        let narrow = ("oci/team-*", Role::Reader);
        return house.token("caller", Some(narrow)).await.1;
    }
    let header = house.token("caller", None).await.1;
    assert_eq!(house.ask(&header, "GET", "/whoami", "").await.0, 200);
    let owner = house.account("owner").await;
    match caller {
        "robot, wide" => {}
        "robot of a disabled owner" => {
            let changed = house
                .metadata
                .change_user(&owner, None, false, true, &Admin)
                .await;
            changed.expect("disabled");
        }
        "robot of a deleted owner" => house
            .metadata
            .drop_user(&owner, &Admin)
            .await
            .expect("deleted"),
        _ => panic!("nobody knows how to be {caller}"),
    }
    house.refresh().await;
    header
}

async fn token(house: &House, caller: &str) -> Header {
    house.admission("user:caller", TEAM, Role::Admin).await;
    house.user("caller", false).await;
    match caller {
        "token limited to elsewhere" => {
            let elsewhere = ("oci/other", Role::Admin);
            house.token("caller", Some(elsewhere)).await.1
        }
        "expired token" => house.expired_token("caller").await,
        "revoked token" => {
            let (id, header) = house.token("caller", None).await;
            assert_eq!(house.ask(&header, "GET", "/whoami", "").await.0, 200);
            let owner = house.account("caller").await.id;
            house
                .metadata
                .drop_token(id, owner, &Admin)
                .await
                .expect("revoked");
            house.refresh().await;
            header
        }
        _ => panic!("nobody knows how to be {caller}"),
    }
}
