//! Which path belongs to whom (`design.md` §5). Knows no HTTP library: the door hands it finished
//! requests and prints its replies.

use super::{ControlRequest, Reply, operator, operator::Operator};
use crate::{
    alibaba::rpc::{self, Gateway, RpcRequest},
    metrics::Metrics,
    tencent::rest::{self, RestReply, RestRequest},
};
use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

/// What `/` answers to who asks nothing.
const GREETING: &str =
    "roomd: rooms, sessions and signed callbacks. The clouds' APIs are here: the RPC of Alibaba Cloud Live at /, the REST of Tencent Cloud at /v4/.\n";

/// All that the control listener answers.
pub struct Control {
    gateway: Gateway,
    rest: rest::Gateway,
    operator: Operator,
    metrics: Arc<Metrics>,
    /// False while the server starts and once it stops.
    ready: Arc<AtomicBool>,
}

impl Control {
    /// `ready` is what `/readyz` tells.
    pub fn new(gateway: Gateway, rest: rest::Gateway, operator: Operator, metrics: Arc<Metrics>, ready: Arc<AtomicBool>) -> Control {
        Control { gateway, rest, operator, metrics, ready }
    }

    /// Answers one request. A HEAD comes as GET; the door leaves the body out.
    pub fn answer(&self, request: &ControlRequest) -> Reply {
        match request.path.as_str() {
            // A probe of who wants to know whether anybody is there (`tencent.md` §1.1).
            "/" if request.method == "GET" && request.query.is_empty() => plain(request, 200, GREETING, "text/plain;charset=utf-8"),
            "/" => {
                let request =
                    RpcRequest { method: &request.method, query: &request.query, headers: &request.headers, body: &request.body, peer: request.peer.ip() };
                let rpc::RpcReply { status, headers, body } = rpc::handle(&self.gateway, &request);
                Reply { status, headers, body }
            }
            "/healthz" => probe(request, 200, "ok"),
            "/metrics" => plain(request, 200, &self.metrics.render(), "text/plain; version=0.0.4"),
            "/readyz" if self.ready.load(Ordering::Acquire) => probe(request, 200, "ready"),
            "/readyz" => probe(request, 503, "not ready"),
            path if path.starts_with("/operator/v1/") => self.operator.answer(request),
            path => match path.strip_prefix(rest::PREFIX) {
                Some(path) => {
                    let request = RestRequest { method: &request.method, path, query: &request.query, body: &request.body, peer: request.peer.ip() };
                    let RestReply { headers, body } = rest::handle(&self.rest, &request);
                    Reply { status: 200, headers, body }
                }
                None => operator::error(404, "NotFound", "there is no such path; there are /, /v4/, /healthz, /readyz, /metrics and /operator/v1/", None),
            },
        }
    }
}

fn probe(request: &ControlRequest, status: u16, text: &str) -> Reply {
    plain(request, status, text, "text/plain;charset=utf-8")
}

fn plain(request: &ControlRequest, status: u16, text: &str, kind: &str) -> Reply {
    if request.method != "GET" {
        return operator::error(405, "MethodNotAllowed", "this path takes GET", Some(("Allow", "GET")));
    }
    Reply { status, headers: vec![("Content-Type".into(), kind.into())], body: text.into() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        alibaba::rpc::GatewayParts,
        clock::Clock,
        domain::{address::AllowList, ask::Ask, state::Rules},
        fake::Fake,
        ids::Ids,
        words::Words,
    };
    use serde_json::{Value, json};

    const TOKEN: &str = "operators-token";

    fn control(clock: Clock) -> Control {
        let ask: Arc<dyn Ask> = Arc::new(Fake::new());
        let words = Arc::new(Words::none(&clock));
        let gateway = Gateway::new(GatewayParts {
            ask: ask.clone(),
            clock: clock.clone(),
            ids: Ids::seeded(1),
            allow: AllowList::default(),
            rules: Rules::default(),
            words: words.clone(),
            nonces: 100,
            control_qps: true,
        });
        let rest = rest::Gateway::new(rest::GatewayParts {
            ask: ask.clone(),
            clock: clock.clone(),
            ids: Ids::seeded(1),
            allow: AllowList::default(),
            rules: Rules::default(),
            words,
            addresses: Vec::new,
            usersig_failures_per_minute: 100,
            control_qps: true,
        });
        let operator = Operator::new(ask, clock, Ids::seeded(2), AllowList::default(), TOKEN.into());
        Control::new(gateway, rest, operator, Arc::default(), Arc::new(AtomicBool::new(false)))
    }

    fn send(control: &Control, method: &str, path: &str, token: &str, body: &str) -> (u16, Value) {
        let request = ControlRequest {
            method: method.into(),
            path: path.into(),
            query: String::new(),
            headers: vec![("authorization".into(), token.as_bytes().to_vec())],
            body: body.into(),
            peer: ([127, 0, 0, 1], 1).into(),
        };
        let reply = control.answer(&request);
        (reply.status, serde_json::from_slice(&reply.body).unwrap_or_else(|_| String::from_utf8(reply.body).unwrap().into()))
    }

    fn operate(control: &Control, method: &str, path: &str, body: &str) -> (u16, Value) {
        send(control, method, &format!("/operator/v1/{path}"), &format!("Bearer {TOKEN}"), body)
    }

    #[test]
    fn paths() {
        let control = control(Clock::standing());
        for (method, path, status, body) in [
            ("GET", "/healthz", 200, "ok"),
            ("POST", "/healthz", 405, "MethodNotAllowed"),
            ("GET", "/readyz", 503, "not ready"),
            ("GET", "/", 200, "roomd"),
            ("POST", "/", 400, "MissingAction"),
            ("PUT", "/", 400, "UnsupportedHTTPMethod"),
            ("GET", "/v4/x", 200, "60002"),
            ("POST", "/v4/live_config/none", 200, "60009"),
            ("POST", "/v4", 404, "NotFound"),
            ("GET", "/console/", 404, "NotFound"),
            ("GET", "/metrics", 200, "# TYPE roomd_moderation_total counter"),
            ("POST", "/metrics", 405, "MethodNotAllowed"),
            ("GET", "/operator/v1", 404, "NotFound"),
            ("GET", "//", 404, "NotFound"),
        ] {
            let (got, value) = send(&control, method, path, "", "");
            assert_eq!(got, status, "{method} {path}");
            assert!(value.to_string().contains(body), "{method} {path}: {value}");
        }
        control.ready.store(true, Ordering::Release);
        assert_eq!(send(&control, "GET", "/readyz", "", "").0, 200);
    }

    #[test]
    fn the_operator_needs_the_token() {
        let control = control(Clock::standing());
        for (token, status) in [
            ("Bearer operators-token", 200),
            ("bearer  operators-token ", 200),
            ("Bearer operators-tokem", 401),
            ("Bearer operators-token2", 401),
            ("Bearer ", 401),
            ("Basic operators-token", 401),
            ("operators-token", 401),
            ("", 401),
        ] {
            assert_eq!(send(&control, "GET", "/operator/v1/keys", token, "").0, status, "{token}");
        }
        assert_eq!(send(&control, "GET", "/operator/v1/nothing", "", "").0, 401);
    }

    #[test]
    fn keys_are_made_listed_and_deleted() {
        let control = control(Clock::standing());
        let (status, key) = operate(&control, "POST", "keys", "");
        assert_eq!(status, 200);
        let id = key["access_key_id"].as_str().unwrap();
        assert!(key["access_key_secret"].as_str().unwrap().len() >= 30);
        let (_, list) = operate(&control, "GET", "keys", "");
        assert!(list.to_string().contains(id) && !list.to_string().contains("ecret"), "{list}");
        assert_eq!(operate(&control, "DELETE", &format!("keys/{id}"), "").0, 200);
        assert_eq!(operate(&control, "DELETE", &format!("keys/{id}"), "").0, 404);
        for (id, why) in [("%zz", "a % without two hex digits"), ("%ff", "not UTF-8"), ("", "1 to 64 bytes"), (&"k".repeat(65), "1 to 64 bytes")] {
            let (status, answer) = operate(&control, "DELETE", &format!("keys/{id}"), "");
            assert!(status == 400 && answer["error"]["message"].as_str().unwrap().contains(why), "{id}: {answer}");
        }
        assert_eq!(operate(&control, "DELETE", "keys/a+b", "").1["error"]["message"].as_str().map(|m| m.contains("a+b")), Some(true));
        assert!(operate(&control, "GET", "key", "").1.to_string().contains("keys/{id}"), "it says which paths there are");
        assert_eq!(operate(&control, "PUT", "keys", "").0, 405);
    }

    #[test]
    fn apps_are_made_and_shown() {
        let control = control(Clock::standing());
        let (status, app) = operate(&control, "POST", "apps", r#"{"app_id":"shop-1","name":"Shop","audit_type":2,"audit_url":"http://a.example/m"}"#);
        assert_eq!(status, 200, "{app}");
        assert_eq!((&app["app_id"], &app["audit_type"], &app["data_center"]), (&json!("shop-1"), &json!(2), &json!("cn-shanghai")));
        assert_eq!(operate(&control, "GET", "apps/shop%2D1", ""), (200, app.clone()));
        assert_eq!(operate(&control, "GET", "apps", ""), (200, json!([app])));
        assert_eq!(operate(&control, "POST", "apps", "{}").0, 200);
        for (body, status, code) in [
            (r#"{"app_id":"shop-1"}"#, 409, "Conflict"),
            (r#"{"app_id":"a b"}"#, 400, "InputInvalid"),
            (r#"{"nam":"x"}"#, 400, "BadRequest"),
            (r#"{"name":"x"}"#, 400, "ErrorInvalidAppName"),
            (r#"{"event_callback_url":"ftp://x"}"#, 400, "ErrorInvalidEventCallbackUrl"),
            ("[", 400, "BadRequest"),
        ] {
            let (got, value) = operate(&control, "POST", "apps", body);
            assert_eq!((got, value["error"]["code"].as_str()), (status, Some(code)), "{body}");
        }
        assert_eq!(operate(&control, "GET", "apps/none", "").0, 404);
    }

    #[test]
    fn an_application_of_the_other_cloud_keeps_its_number_and_key() {
        let control = control(Clock::standing());
        let key = "5bd2850f!~".repeat(12);
        let body = json!({"app_id": "moved", "sdkappid": 1_400_000_777, "app_key": key, "administrators": ["admin", "主播 1"], "after_retry": 3});
        let (status, app) = operate(&control, "POST", "apps", &body.to_string());
        assert_eq!(status, 200, "{app}");
        for field in ["sdkappid", "app_key", "administrators", "after_retry"] {
            assert_eq!(app[field], body[field], "{field}");
        }
        let (_, usual) = operate(&control, "POST", "apps", "{}");
        assert_eq!((&usual["administrators"], &usual["after_retry"]), (&json!(["administrator"]), &json!(0)));
        let (status, answer) = operate(&control, "POST", "apps", r#"{"sdkappid":1400000777}"#);
        assert_eq!((status, &answer["error"]["code"]), (409, &json!("Conflict")), "{answer}");
        assert!(answer["error"]["message"].as_str().unwrap().contains("1400000777 is taken"), "{answer}");
        let admins = |n: usize| (0..n).map(|n| format!("a{n}")).collect::<Vec<_>>();
        for (field, bad) in [
            ("sdkappid", vec![json!(0), json!(-1), json!(4_294_967_296_u64), json!("7"), json!(1.5)]),
            ("app_key", vec![json!(""), json!("k".repeat(129)), json!("a b"), json!("a\n"), json!("ä"), json!(7)]),
            (
                "administrators",
                vec![json!([]), json!(admins(21)), json!(["a", "b", "a"]), json!([""]), json!(["a\n"]), json!(["中".repeat(11)]), json!("a"), json!([1])],
            ),
            ("after_retry", vec![json!(4), json!(-1), json!(256), json!("1")]),
        ] {
            for bad in bad {
                let (status, answer) = operate(&control, "POST", "apps", &json!({field: bad}).to_string());
                assert_eq!(status, 400, "{field} {bad}: {answer}");
                assert!(answer["error"]["code"] == "InputInvalid" || answer["error"]["code"] == "BadRequest", "{answer}");
            }
        }
        for (field, good) in
            [("sdkappid", json!(1)), ("app_key", json!("~")), ("administrators", json!(admins(20))), ("administrators", json!(["x".repeat(32)]))]
        {
            assert_eq!(operate(&control, "POST", "apps", &json!({field: good}).to_string()).1[field], good);
        }
    }

    #[test]
    fn administrators_and_repeats_are_changed_and_nothing_when_one_is_wrong() {
        let control = control(Clock::standing());
        let (_, made) = operate(&control, "POST", "apps", r#"{"app_id":"shop"}"#);
        assert_eq!(operate(&control, "PATCH", "apps/shop", "{}"), (200, made.clone()));
        for (body, status, code) in [
            (r#"{"administrators":["a"],"after_retry":4}"#, 400, "InputInvalid"),
            (r#"{"after_retry":1,"administrators":["a","a"]}"#, 400, "InputInvalid"),
            (r#"{"after_retry":1,"sdkappid":7}"#, 400, "BadRequest"),
            (r#"{"after_retry":"1"}"#, 400, "BadRequest"),
            ("[]", 400, "BadRequest"),
        ] {
            let (got, answer) = operate(&control, "PATCH", "apps/shop", body);
            assert_eq!((got, answer["error"]["code"].as_str()), (status, Some(code)), "{body}: {answer}");
            assert_eq!(operate(&control, "GET", "apps/shop", "").1, made, "{body}");
        }
        assert_eq!(operate(&control, "PATCH", "apps/none", "{}").0, 404);
        assert_eq!(operate(&control, "PATCH", "apps/none", r#"{"after_retry":1}"#).0, 404);
        assert_eq!(operate(&control, "DELETE", "apps/shop", "").0, 405);
        let (status, app) = operate(&control, "PATCH", "apps/shop", r#"{"administrators":["a","b"],"after_retry":2}"#);
        assert_eq!((status, &app["administrators"], &app["after_retry"]), (200, &json!(["a", "b"]), &json!(2)));
        let (_, app) = operate(&control, "PATCH", "apps/shop", r#"{"after_retry":0}"#);
        assert_eq!((&app["administrators"], &app["after_retry"], &app["app_key"]), (&json!(["a", "b"]), &json!(0), &made["app_key"]));
        assert_eq!(operate(&control, "GET", "apps/shop", "").1, app);
    }

    #[test]
    fn channels_take_reports_of_events() {
        let control = control(Clock::standing());
        operate(&control, "POST", "apps", r#"{"app_id":"shop"}"#);
        let (status, answer) = operate(&control, "POST", "channels/shop/hall%201/events", r#"{"event":"join","user":"u1"}"#);
        assert_eq!((status, &answer["events"][0]["user"]), (200, &json!("u1")));
        let kick = r#"{"event":"kick","user":"u1"}"#;
        for (method, path, expected) in [
            ("POST", "channels/shop/hall/events", 404),
            ("POST", "channels/shop//events", 400),
            ("GET", "channels/shop/hall%201/events", 405),
            ("POST", "channels/shop/hall%201", 404),
            ("POST", "channels/shop/hall%201/events", 200),
        ] {
            assert_eq!(operate(&control, method, path, kick).0, expected, "{method} {path}");
        }
        assert_eq!(send(&control, "POST", "/operator/v1/channels/shop/hall/events", "", kick).0, 401);
    }

    #[test]
    fn only_a_virtual_clock_is_moved() {
        let clock = Clock::standing();
        let before = clock.now();
        let standing = control(clock);
        let (status, answer) = operate(&standing, "POST", "clock", r#"{"advance_ms":5000}"#);
        assert_eq!((status, answer), (200, json!({"now": before.0 + 5_000})));
        assert_eq!(operate(&standing, "POST", "clock", r#"{"advance_ms":-1}"#).0, 400);
        assert_eq!(operate(&standing, "POST", "clock", r#"{"advance_ms":18446744073709551615}"#).0, 400);
        assert_eq!(operate(&control(Clock::real().unwrap()), "POST", "clock", r#"{"advance_ms":1}"#).0, 409);
    }
}
