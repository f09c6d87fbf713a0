//! Who may call, and what the gateway says before an operation is asked (`alibaba.md` §1).

use super::*;
use crate::alibaba::operation::OPERATIONS;
use std::sync::Mutex;

#[test]
fn an_error_has_the_whole_envelope() {
    let reply = Server::new().raw("POST", "", &vec![], b"");
    assert_eq!(reply.status, 400);
    let body: Value = serde_json::from_slice(&reply.body).unwrap();
    let id = body["RequestId"].as_str().unwrap();
    assert_eq!(id.len(), 36);
    let expected = [("Content-Type", "application/json;charset=utf-8"), ("x-acs-request-id", id)];
    assert_eq!(reply.headers, expected.map(|(n, v)| (n.to_string(), v.to_string())));
    assert_eq!(
        body,
        json!({"RequestId": id, "HostId": "live.aliyuncs.com", "Code": "MissingAction", "Message": "Action is mandatory for this action.",
               "Recommend": "https://api.aliyun.com/troubleshoot?q=MissingAction&product=live"})
    );
}

#[test]
fn signature_1_0_is_checked_in_order() {
    let server = Server::new();
    let app: &[(&str, &str)] = &[("AppId", "demo")];
    let act = "DescribeLiveMessageApp";
    let with = |spoil: &dyn Fn(&mut Signer), action: &str| {
        let mut signer = server.signer();
        spoil(&mut signer);
        server.signed(&signer, action, app)
    };
    for (name, answer, expected) in [
        ("right", with(&|_| (), act), (200, "")),
        ("GET", with(&|s| s.method = "GET", act), (200, "")),
        ("PUT", with(&|s| s.method = "PUT", act), (400, "UnsupportedHTTPMethod")),
        ("unknown key", with(&|s| s.key = "nobody", act), (404, "InvalidAccessKeyId.NotFound")),
        ("wrong secret", with(&|s| s.secret = "x", act), (400, "SignatureDoesNotMatch")),
        ("slow clock", with(&|s| s.skew = -901_000, act), (400, "InvalidTimeStamp.Expired")),
        ("fast clock", with(&|s| s.skew = 902_000, act), (400, "InvalidTimeStamp.Expired")),
        ("a little slow", with(&|s| s.skew = -890_000, act), (200, "")),
        ("stale and wrong", with(&|s| (s.skew, s.secret) = (-901_000, "x"), act), (400, "InvalidTimeStamp.Expired")),
        ("other version", with(&|s| s.version = "2017-01-01", act), (400, "InvalidVersion")),
        ("other version and unknown action", with(&|s| s.version = "2017-01-01", "Nothing"), (400, "InvalidVersion")),
        ("no version", with(&|s| s.version = "", act), (400, "MissingVersion")),
        ("unknown action", with(&|_| (), "RecoverNothing"), (404, "InvalidAction.NotFound")),
        ("unknown action of a stranger", with(&|s| s.secret = "x", "RecoverNothing"), (400, "SignatureDoesNotMatch")),
        ("no nonce", with(&|s| s.nonce.clear(), act), (400, "MissingSignatureNonce")),
    ] {
        assert_eq!(code(&answer), expected, "{name}");
    }
    for (params, expected) in [
        (&[("Timestamp", "yesterday")][..], (400, "InvalidTimeStamp.Format")),
        (&[("Timestamp", "")], (400, "MissingTimestamp")),
        (&[("SignatureMethod", "RSA")], (400, "SignatureTypeNotSupported")),
        (&[("SignatureType", "BEARERTOKEN")], (400, "SignatureTypeNotSupported")),
        (&[("AccessKeyId", "")], (400, "MissingAccessKeyId")),
    ] {
        assert_eq!(code(&server.call(act, params)), expected, "{params:?}");
    }
    assert_eq!(code(&server.send("POST", "Action=A&Version=2016-11-01&AccessKeyId=testAccessKeyId", &vec![], b"")), (400, "MissingSignature"));
}

#[test]
fn headers_that_signature_1_0_does_not_sign_cannot_change_the_action() {
    let server = Server::new();
    let params = |action: &str| {
        let stamp = stamp::format(server.clock.now());
        let nonce = server.signer().nonce;
        let mut params = form(&[("AppId", "demo"), ("AccessKeyId", KEY), ("SignatureNonce", &nonce), ("Timestamp", &stamp)]);
        if !action.is_empty() {
            params.extend(form(&[("Action", action), ("Version", "2016-11-01")]));
        }
        let signature = v1_sign(V1Method::HmacSha1, SECRET, &v1_to_sign("POST", &params));
        params.insert("Signature".into(), signature);
        crate::form::canonical(&params)
    };
    let header = |name: &str, value: &str| (name.to_string(), value.as_bytes().to_vec());
    let (describe, disable) = ("DescribeLiveMessageApp", "ModifyLiveMessageAppDisable");
    for (action, headers, expected) in [
        (describe, vec![header("x-acs-action", describe), header("x-acs-version", "2016-11-01")], (200, "")),
        (describe, vec![header("Authorization", "Basic of-a-proxy")], (200, "")),
        (describe, vec![header("x-acs-action", disable)], (400, "InputInvalid")),
        ("", vec![header("x-acs-action", disable), header("x-acs-version", "2016-11-01")], (400, "MissingAction")),
    ] {
        assert_eq!(code(&server.send("POST", &params(action), &headers, b"")), expected, "{action} {headers:?}");
    }
    let headers = vec![header("x-acs-action", describe), header("x-acs-version", "2016-11-01"), header("Authorization", "Bearer x")];
    assert_eq!(code(&server.send("POST", "", &headers, b"")), (400, "SignatureTypeNotSupported"));
}

#[test]
fn a_nonce_is_accepted_once_and_only_after_its_signature() {
    let server = Server::new();
    let app: &[(&str, &str)] = &[("AppId", "demo")];
    let good = server.signer();
    let forged = Signer { secret: "x", nonce: good.nonce.clone(), ..server.signer() };
    assert_eq!(server.signed(&forged, "DescribeLiveMessageApp", app).1["Code"], "SignatureDoesNotMatch");
    assert_eq!(server.signed(&good, "DescribeLiveMessageApp", app).0, 200);
    assert_eq!(code(&server.signed(&good, "DescribeLiveMessageApp", app)), (400, "SignatureNonceUsed"));
    assert_eq!(code(&server.signed(&good, "Nothing", app)), (400, "SignatureNonceUsed"));
    let open = Server::with(0, false, Quotas::default());
    let good = open.signer();
    assert_eq!(open.signed(&good, "DescribeLiveMessageApp", app).0, 200);
    assert_eq!(open.signed(&good, "DescribeLiveMessageApp", app).0, 200);
}

#[test]
fn the_old_sdk_finds_its_own_string_after_the_colon() {
    let server = Server::new();
    let signer = Signer { secret: "x", ..server.signer() };
    let (_, answer) = server.signed(&signer, "DescribeLiveMessageApp", &[("AppId", "a:b")]);
    let message = answer["Message"].as_str().unwrap();
    let to_sign = message.split(':').nth(1).unwrap();
    assert!(to_sign.starts_with("POST&%2F&AccessKeyId%3DtestAccessKeyId%26Action%3D"), "{message}");
    assert_eq!(message.matches(':').count(), 1);
}

#[test]
fn signature_v3_covers_what_counts() {
    let server = Server::new();
    let query = form(&[("AppId", "demo"), ("UserIds", "u1,u 2*")]);
    let text = "UserIds=u1%2Cu+2%2A&AppId=demo";
    let act = "CheckLiveMessageUsersOnline";
    let good = |body: &[u8]| server.v3(act, &query, body, &V3_SIGNED);
    assert_eq!(server.send("POST", text, &good(b""), b"").0, 200);
    assert_eq!(code(&server.send("POST", text, &good(b""), b"x=1")), (400, "SignatureDoesNotMatch"));
    assert_eq!(code(&server.send("POST", &format!("{text}&x=1"), &good(b""), b"")), (400, "SignatureDoesNotMatch"));
    assert_eq!(code(&server.send("GET", text, &good(b""), b"")), (400, "SignatureDoesNotMatch"));
    for left_out in V3_SIGNED {
        let signed: Vec<&str> = V3_SIGNED.into_iter().filter(|name| *name != left_out).collect();
        assert_eq!(code(&server.send("POST", text, &server.v3(act, &query, b"", &signed), b"")), (400, "SignatureDoesNotMatch"), "{left_out}");
    }
    let spoilt = |spoil: &dyn Fn(&mut Headers)| {
        let mut headers = good(b"");
        spoil(&mut headers);
        server.send("POST", text, &headers, b"")
    };
    let put = |headers: &mut Headers, name: &str, value: &[u8]| {
        headers.retain(|(n, _)| n != name);
        headers.push((name.into(), value.into()));
    };
    for (name, answer, expected) in [
        ("other host", spoilt(&|h| put(h, "Host", b"evil")), (400, "SignatureDoesNotMatch")),
        ("other action", spoilt(&|h| put(h, "x-acs-action", b"DescribeLiveMessageApp")), (400, "SignatureDoesNotMatch")),
        ("no action", spoilt(&|h| h.retain(|(n, _)| n != "x-acs-action")), (400, "MissingAction")),
        ("two actions", spoilt(&|h| h.push(("X-Acs-Action".into(), b"Other".into()))), (400, "InputInvalid")),
        ("two authorizations", spoilt(&|h| h.push(("authorization".into(), b"x".into()))), (400, "InputInvalid")),
        ("two nonces", spoilt(&|h| h.push(("x-acs-signature-nonce".into(), b"x".into()))), (400, "InputInvalid")),
        ("no date", spoilt(&|h| h.retain(|(n, _)| n != "x-acs-date")), (400, "MissingTimestamp")),
        ("bad date", spoilt(&|h| put(h, "x-acs-date", b"\xff")), (400, "InputInvalid")),
        ("half an authorization", spoilt(&|h| put(h, "Authorization", b"ACS3-HMAC-SHA256 Credential=x")), (400, "IncompleteSignature")),
        (
            "another scheme",
            spoilt(&|h| put(h, "Authorization", b"ACS3-RSA-SHA256 Credential=x,SignedHeaders=a,Signature=b")),
            (400, "SignatureTypeNotSupported"),
        ),
        (
            "unknown key",
            spoilt(&|h| put(h, "Authorization", b"ACS3-HMAC-SHA256 Credential=x,SignedHeaders=a,Signature=b")),
            (404, "InvalidAccessKeyId.NotFound"),
        ),
        ("an unsigned header more", spoilt(&|h| h.push(("x-other".into(), b"\xff".into()))), (200, "")),
    ] {
        assert_eq!(code(&answer), expected, "{name}");
    }
    let headers = good(b"");
    assert_eq!(server.send("POST", text, &headers, b"").0, 200);
    assert_eq!(code(&server.send("POST", text, &headers, b"")), (400, "SignatureNonceUsed"));
}

#[test]
fn parameters_may_come_in_a_form_body() {
    let server = Server::new();
    let body = b"AppId=demo&UserIds.1=u+1";
    let signed = [&V3_SIGNED[..], &["content-type"]].concat();
    // What the body means has to be signed as well.
    let headers = server.v3("CheckLiveMessageUsersOnline", &form(&[]), body, &V3_SIGNED);
    assert_eq!(code(&server.send("POST", "", &headers, body)), (400, "MissingAppId"));
    let headers = server.v3("CheckLiveMessageUsersOnline", &form(&[]), body, &signed);
    assert_eq!(fields(server.send("POST", "", &headers, body)), json!({"UserList": [{"UserId": "u 1", "Online": false}]}));
    let headers = server.v3("CheckLiveMessageUsersOnline", &form(&[("AppId", "demo")]), body, &signed);
    assert_eq!(code(&server.send("POST", "AppId=demo", &headers, body)), (400, "InputInvalid"));
}

#[test]
fn unreadable_requests_are_refused_before_all_else() {
    let server = Server::new();
    let long = format!("a={}", "x".repeat(100_000));
    for (query, expected) in [
        ("Action=%ff", "InputInvalid"),
        ("Action=%", "InputInvalid"),
        ("Action=A&Action=A", "InputInvalid"),
        ("Action=A&Version=2016-11-01&Signature=a&Signature=b", "InputInvalid"),
        ("Action=A", "MissingVersion"),
        (long.as_str(), "MissingAction"),
        ("Action=A&Version=2016-11-01", "MissingAccessKeyId"),
    ] {
        assert_eq!(code(&server.send("POST", query, &vec![], b"")), (400, expected), "{query:.60}");
    }
}

#[test]
fn calls_over_the_qps_are_told_when_to_come_back() {
    let server = Server::with(1_000, true, Quotas::default());
    let describe = || server.call("DescribeLiveMessageApp", &[("AppId", "demo")]);
    for _ in 0..50 {
        assert_eq!(describe().0, 200);
    }
    assert_eq!(code(&describe()), (400, "Throttling.User"));
    // Above the parameters in the order of checks.
    assert_eq!(code(&server.call("DescribeLiveMessageApp", &[])), (400, "Throttling.User"));
    assert_eq!(server.call("ListLiveMessageApps", &[("SortType", "1")]).0, 200);
    server.clock.advance(1_000).unwrap();
    assert_eq!(describe().0, 200);
}

#[test]
fn operations_that_mute_and_those_of_channels_have_a_qps_of_their_own() {
    let mute = ["BanLiveMessageGroup", "UnbanLiveMessageGroup", "AddLiveMessageGroupBand", "RemoveLiveMessageGroupBand", "ModifyLiveMessageGroupBand"];
    let channel = ["CreateEventSub", "DeleteEventSub", "DescribeChannelUsers", "DescribeChannelParticipants", "DeleteChannel"];
    // 0 is no limit.
    for (standard, muting, of_channels) in [(7, 3, 9), (0, 2, 5), (4, 0, 0)] {
        let quotas = Quotas { operation_qps: standard, mute_qps: muting, channel_operation_qps: of_channels, ..Quotas::default() };
        let server = Server::with(10_000, true, quotas);
        for operation in OPERATIONS {
            let limit = match operation.name {
                name if mute.contains(&name) => muting,
                name if channel.contains(&name) => of_channels,
                _ => standard,
            };
            let limit = if limit == 0 { 20 } else { limit };
            let admitted = (0..20).filter(|_| code(&server.call(operation.name, &[])) != (400, "Throttling.User")).count();
            assert_eq!(admitted, limit as usize, "{}", operation.name);
        }
    }
}

#[test]
fn a_deleted_key_signs_nothing_more() {
    let server = Server::new();
    let other = AccessKey { id: "other".into(), secret: "s".into(), created: Millis(0) };
    server.fake.put(Change::Key(other));
    let signer = |server: &Server| Signer { key: "other", secret: "s", ..server.signer() };
    assert_eq!(server.signed(&signer(&server), "DescribeLiveMessageApp", &[("AppId", "demo")]).0, 200);
    server.fake.put(Change::KeyGone("other".into()));
    assert_eq!(code(&server.signed(&signer(&server), "DescribeLiveMessageApp", &[("AppId", "demo")])), (404, "InvalidAccessKeyId.NotFound"));
}

#[test]
fn requests_from_many_threads_are_answered() {
    let server = Server::new();
    let good = Mutex::new(0);
    let signers: Vec<Signer> = (0..8).map(|_| server.signer()).collect();
    let (gateway, clock) = (&server.gateway, &server.clock);
    std::thread::scope(|scope| {
        for signer in &signers {
            scope.spawn(|| {
                let mut params = form(&[("AppId", "demo"), ("Action", "DescribeLiveMessageApp"), ("Version", signer.version), ("AccessKeyId", KEY)]);
                params.insert("SignatureNonce".into(), signer.nonce.clone());
                params.insert("Timestamp".into(), stamp::format(clock.now()));
                let signature = v1_sign(V1Method::HmacSha1, SECRET, &v1_to_sign("POST", &params));
                params.insert("Signature".into(), signature);
                let query = crate::form::canonical(&params);
                let reply = handle(gateway, &RpcRequest { method: "POST", query: &query, headers: &[], body: b"", peer: PEER });
                *good.lock().unwrap() += u32::from(reply.status == 200);
            });
        }
    });
    assert_eq!(*good.lock().unwrap(), 8);
}
