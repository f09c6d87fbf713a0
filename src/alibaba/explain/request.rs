//! The signature of a captured request, step by step.

use crate::{
    alibaba::{
        error::RpcError,
        rpc::{RpcRequest, Scheme, Signed},
        signature,
    },
    explanation::{Explanation, Lines},
};
use std::net::Ipv4Addr;

/// A captured request of a server SDK. `target` is the path with its query as sent. Checked as the server
/// does, but for what it knows of keys, of the time and of earlier requests.
pub fn request(method: &str, target: &str, headers: &[(String, Vec<u8>)], body: &[u8], secret: &str) -> Explanation {
    let mut lines = Lines::default();
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    if path != "/" {
        lines.put("note", format_args!("the path is {path}; this API has only /"));
    }
    // Who sent it is not looked at.
    let mut request = RpcRequest { method, query, headers, body, peer: Ipv4Addr::UNSPECIFIED.into() };
    if request.has_form() {
        // The line end of the file that it was pasted into.
        request.body = body.trim_ascii_end();
    }
    let wrong = explain_request(&mut lines, &request, secret).unwrap_or_else(|e| Some(e.to_string()));
    lines.verdict(wrong)
}

/// What is wrong with the signature. The error is the server's own, where it does not come so far.
fn explain_request(lines: &mut Lines, request: &RpcRequest, secret: &str) -> Result<Option<String>, RpcError> {
    let call = Signed::read(request)?;
    let is_v3 = request.headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("authorization"));
    if !is_v3 && !call.params.contains_key("Signature") {
        return Ok(Some("not signed: there is neither an Authorization header nor a parameter Signature".into()));
    }
    let scheme = call.scheme()?;
    match &scheme {
        Scheme::V3(authorization) => {
            let v3 = call.v3(authorization);
            lines.put("signature", format_args!("V3, AccessKey {}", authorization.key_id));
            lines.block("canonical request", &String::from_utf8_lossy(&v3.canonical));
            lines.block("string to sign", &v3.to_sign);
            lines.put("expected", v3.sign(secret));
            lines.put("given", authorization.signature);
        }
        Scheme::V1 { method, key_id, signature } => {
            let to_sign = call.v1_to_sign();
            lines.put("signature", format_args!("1.0, {}, AccessKey {key_id}", method.name()));
            lines.block("string to sign", &to_sign);
            lines.put("expected", signature::v1_sign(*method, secret, &to_sign));
            lines.put("given", signature);
        }
    }
    call.named("Action")?;
    call.named("Version")?;
    call.stamp(&scheme)?;
    call.nonce(&scheme)?;
    if call.check(&scheme, secret).is_ok() {
        return Ok(None);
    }
    let other = "the signature is wrong: another secret, or something above was changed on its way";
    Ok(Some(match &scheme {
        Scheme::V3(authorization) if !call.unsigned(authorization).is_empty() => {
            format!("not signed, but must be: {}", call.unsigned(authorization).join(", "))
        }
        Scheme::V3(_) if !call.has_body_hash()? => format!("x-acs-content-sha256 is not the hash of the {} bytes of body given here", request.body.len()),
        _ => other.into(),
    }))
}
