//! yarn: the classic one (1), and that of today (4).

use crate::house::House;
use crate::node::Node;
use larder_tests::tools::tool_in;

const CLASSIC: Node = Node {
    install: "yarn install --no-progress",
    frozen: "yarn install --no-progress --frozen-lockfile",
    publish: "yarn publish --non-interactive",
    lock: "yarn.lock",
    integrity: true,
    whys: &["error ", "ResponseError:"],
};

const BERRY: Node = Node {
    install: "yarn install --no-immutable",
    frozen: "yarn install --immutable",
    publish: "yarn install --no-immutable && yarn npm publish",
    lock: "yarn.lock",
    integrity: false,
    whys: &["➤ YN0001", "➤ YN0016", "➤ YN0033", "➤ YN0035", "➤ YN0041"],
};

#[test]
fn yarn_1() {
    let Some(yarn) = tool_in("yarn-1", "yarn") else {
        return;
    };
    let house = House::open("yarn 1", "yarn", "npm", &[&yarn]);
    let maker = CLASSIC.publish_and_install(&house);
    let questions = [
        ("yarn tag list @acme/probe", "next: 1.1.0"),
        ("yarn tag add @acme/probe@1.1.0 beta", ""),
        ("yarn tag remove @acme/probe next", ""),
        ("yarn info @acme/probe dist-tags", "beta"),
    ];
    Node::asks(&maker, &questions);
    CLASSIC.is_served_and_refused(&house);
}

#[test]
fn yarn_4() {
    let Some(yarn) = tool_in("yarn-4", "yarn") else {
        return;
    };
    let house = House::open("yarn 4", "yarn", "npm", &[&yarn]);
    let maker = BERRY.publish_and_install(&house);
    let questions = [
        ("yarn install --no-immutable", ""),
        ("yarn npm tag list @acme/probe", "next"),
        ("yarn npm tag add @acme/probe@1.1.0 beta", ""),
        ("yarn npm tag remove @acme/probe next", ""),
        ("yarn npm info @acme/probe --fields dist-tags", "beta"),
    ];
    Node::asks(&maker, &questions);
    BERRY.is_served_and_refused(&house);
}
