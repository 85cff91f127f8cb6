#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <sys/socket.h>

#include <cerrno>

#include "http/internal/tls.h"

namespace licet::http {
namespace {

std::string last_error() {
  const unsigned long e = ERR_peek_last_error();
  const char* reason = e != 0 ? ERR_reason_error_string(e) : nullptr;
  return reason != nullptr ? reason : "unknown error";
}

Error unusable(const std::string& file) {
  return {Code::invalid_argument, file + ": " + last_error()};
}

int choose_http11(SSL*, const unsigned char** out, unsigned char* size, const unsigned char* in, unsigned in_size, void*) {
  static constexpr unsigned char kOurs[] = "\x08http/1.1";
  unsigned char* chosen = nullptr;
  const int found = SSL_select_next_proto(&chosen, size, kOurs, sizeof kOurs - 1, in, in_size);
  if (found != OPENSSL_NPN_NEGOTIATED) return SSL_TLSEXT_ERR_ALERT_FATAL;
  *out = chosen;
  return SSL_TLSEXT_ERR_OK;
}

// What both sides share. Null: out of memory.
SSL_CTX* make_context(const SSL_METHOD* method) {
  SSL_CTX* c = SSL_CTX_new(method);
  if (c == nullptr) return nullptr;
  SSL_CTX_set_min_proto_version(c, TLS1_2_VERSION);
  SSL_CTX_set_cipher_list(c, "ECDHE+AESGCM:ECDHE+CHACHA20");
  SSL_CTX_set_options(c, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION);
  SSL_CTX_set_read_ahead(c, 1);  // a record in one system call rather than two
  return c;
}

bool use_certificate(SSL_CTX* c, const std::string& certificate, const std::string& key, std::string& bad) {
  bad = certificate;
  if (SSL_CTX_use_certificate_chain_file(c, certificate.c_str()) != 1) return false;
  bad = key;
  return SSL_CTX_use_PrivateKey_file(c, key.c_str(), SSL_FILETYPE_PEM) == 1 && SSL_CTX_check_private_key(c) == 1;
}

}  // namespace

// The BIO between OpenSSL and the socket.
struct WireMethods {
  static int read(BIO* bio, char* to, int most) { return TlsSession::wire_read(bio, to, most); }
  static int write(BIO* bio, const char* from, int size) { return TlsSession::wire_write(bio, from, size); }
  static long control(BIO*, int command, long, void*) { return command == BIO_CTRL_FLUSH ? 1 : 0; }
  static const BIO_METHOD* get() {
    struct Free {
      void operator()(BIO_METHOD* m) const { BIO_meth_free(m); }
    };
    static const std::unique_ptr<BIO_METHOD, Free> method = [] {
      std::unique_ptr<BIO_METHOD, Free> m(BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "licet socket"));
      BIO_meth_set_read(m.get(), read);
      BIO_meth_set_write(m.get(), write);
      BIO_meth_set_ctrl(m.get(), control);
      return m;
    }();
    return method.get();
  }
};

int TlsSession::wire_read(void* bio_, char* to, int most) {
  BIO* bio = static_cast<BIO*>(bio_);
  Wire& wire = *static_cast<Wire*>(BIO_get_data(bio));
  BIO_clear_retry_flags(bio);
  const ssize_t n = ::recv(wire.socket, to, static_cast<std::size_t>(most), MSG_DONTWAIT);
  wire.drained = n < most;
  if (n < 0 && (errno == EAGAIN || errno == EINTR)) BIO_set_retry_read(bio);
  return static_cast<int>(n);
}

int TlsSession::wire_write(void* bio, const char* from, int size) {
  static_cast<Wire*>(BIO_get_data(static_cast<BIO*>(bio)))->out->append(from, static_cast<std::size_t>(size));
  return size;
}

TlsSession::TlsSession(ssl_st* ssl, int socket) : ssl_(ssl), wire_{socket, false, &out} {
  BIO* bio = BIO_new(WireMethods::get());
  BIO_set_data(bio, &wire_);
  BIO_set_init(bio, 1);
  SSL_set_bio(ssl_, bio, bio);
}

TlsSession::~TlsSession() {
  SSL_free(ssl_);
}

Io TlsSession::verdict(int returned) {
  switch (SSL_get_error(ssl_, returned)) {
    case SSL_ERROR_WANT_READ:
      return Io::blocked;
    case SSL_ERROR_ZERO_RETURN:
      return Io::end;
    default:
      error_ = ERR_peek_last_error();
      verify_ = SSL_get_verify_result(ssl_);
      return Io::failed;
  }
}

Io TlsSession::handshake() {
  ERR_clear_error();
  const int n = SSL_do_handshake(ssl_);
  return n == 1 ? Io::done : verdict(n);
}

Io TlsSession::read(char* to, std::size_t most, std::size_t& got) {
  ERR_clear_error();
  const int n = SSL_read_ex(ssl_, to, most, &got);
  return n == 1 ? Io::done : verdict(n);
}

Io TlsSession::write(std::string_view plain) {
  std::size_t written = 0;
  ERR_clear_error();
  const int n = SSL_write_ex(ssl_, plain.data(), plain.size(), &written);
  return n == 1 ? Io::done : verdict(n);
}

void TlsSession::close_notify() {
  ERR_clear_error();
  SSL_shutdown(ssl_);
  ERR_clear_error();
}

bool TlsSession::drained() const {
  return wire_.drained && SSL_has_pending(ssl_) == 0;
}

std::string TlsSession::why() const {
  if (verify_ != X509_V_OK) return std::string("certificate: ") + X509_verify_cert_error_string(verify_);
  const char* reason = error_ != 0 ? ERR_reason_error_string(error_) : nullptr;
  return reason != nullptr ? reason : "connection lost";
}

void TlsSession::describe(Peer& peer) const {
  peer.tls = true;
  peer.tls_version = SSL_get_version(ssl_);
  peer.tls_cipher = SSL_get_cipher_name(ssl_);
  X509* certificate = SSL_get0_peer_certificate(ssl_);
  if (certificate == nullptr || SSL_get_verify_result(ssl_) != X509_V_OK) return;
  unsigned size = 0;
  unsigned char digest[EVP_MAX_MD_SIZE];
  if (X509_digest(certificate, EVP_sha256(), digest, &size) != 1 || size != peer.certificate.size()) return;
  for (std::size_t i = 0; i < size; ++i) peer.certificate[i] = std::byte{digest[i]};
  peer.certified = true;
  auto* names = static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr));
  if (names == nullptr) return;
  for (int i = 0; i < sk_GENERAL_NAME_num(names); ++i) {
    const GENERAL_NAME* name = sk_GENERAL_NAME_value(names, i);
    if (name->type != GEN_DNS && name->type != GEN_URI) continue;
    const ASN1_IA5STRING* text = name->type == GEN_DNS ? name->d.dNSName : name->d.uniformResourceIdentifier;
    std::string value(reinterpret_cast<const char*>(ASN1_STRING_get0_data(text)), static_cast<std::size_t>(ASN1_STRING_length(text)));
    if (value.find('\0') != std::string::npos) continue;  // "scribe.example\0.evil": no such name
    (name->type == GEN_DNS ? peer.dns_names : peer.uris).push_back(std::move(value));
  }
  GENERAL_NAMES_free(names);
}

TlsContext::~TlsContext() {
  SSL_CTX_free(context_);
}

Result<std::shared_ptr<TlsContext>> TlsContext::server(const ServerTls& options) {
  ERR_clear_error();
  std::shared_ptr<TlsContext> made(new TlsContext(make_context(TLS_server_method())));
  SSL_CTX* c = made->context_;
  if (c == nullptr) return Error{Code::internal, "TLS: " + last_error()};
  std::string bad;
  if (!use_certificate(c, options.certificate_file, options.key_file, bad)) return unusable(bad);
  SSL_CTX_set_options(c, SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA);
  SSL_CTX_set_alpn_select_cb(c, choose_http11, nullptr);
  static constexpr unsigned char kSessions[] = "licet";
  SSL_CTX_set_session_id_context(c, kSessions, sizeof kSessions - 1);
  SSL_CTX_set_num_tickets(c, 1);
  SSL_CTX_set_timeout(c, 600);  // a resumed session carries the client's certificate as it was verified: not for long
  if (options.client == ClientCertificate::none) return made;
  if (options.client_ca_files.empty())
    return Error{Code::invalid_argument, "client certificates are asked for, but client_ca_files is empty"};
  for (const std::string& file : options.client_ca_files)
    if (SSL_CTX_load_verify_file(c, file.c_str()) != 1) return unusable(file);
  STACK_OF(X509_NAME)* names = sk_X509_NAME_new_null();  // what we tell clients that we accept
  for (const std::string& file : options.client_ca_files) SSL_add_file_cert_subjects_to_stack(names, file.c_str());
  SSL_CTX_set_client_CA_list(c, names);
  int mode = SSL_VERIFY_PEER;
  if (options.client == ClientCertificate::required) mode |= SSL_VERIFY_FAIL_IF_NO_PEER_CERT;
  SSL_CTX_set_verify(c, mode, nullptr);
  return made;
}

Result<std::shared_ptr<TlsContext>> TlsContext::client(const std::string& ca_file, const std::string& certificate_file,
                                                       const std::string& key_file) {
  ERR_clear_error();
  std::shared_ptr<TlsContext> made(new TlsContext(make_context(TLS_client_method())));
  SSL_CTX* c = made->context_;
  if (c == nullptr) return Error{Code::internal, "TLS: " + last_error()};
  if (ca_file.empty()) {
    if (SSL_CTX_set_default_verify_paths(c) != 1) return unusable("the system's certificate authorities");
  } else if (SSL_CTX_load_verify_file(c, ca_file.c_str()) != 1) {
    return unusable(ca_file);
  }
  std::string bad;
  if (!certificate_file.empty() && !use_certificate(c, certificate_file, key_file, bad)) return unusable(bad);
  static constexpr unsigned char kProtocols[] = "\x08http/1.1";
  SSL_CTX_set_alpn_protos(c, kProtocols, sizeof kProtocols - 1);
  SSL_CTX_set_verify(c, SSL_VERIFY_PEER, nullptr);
  return made;
}

std::unique_ptr<TlsSession> TlsContext::accept(int socket) const {
  SSL* ssl = SSL_new(context_);
  if (ssl == nullptr) return nullptr;
  SSL_set_accept_state(ssl);
  return std::unique_ptr<TlsSession>(new TlsSession(ssl, socket));
}

std::unique_ptr<TlsSession> TlsContext::connect(int socket, const std::string& host) const {
  SSL* ssl = SSL_new(context_);
  if (ssl == nullptr) return nullptr;
  SSL_set_connect_state(ssl);
  SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
  bool named = X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), host.c_str()) == 1;  // a numeric address must stand in the certificate
  if (!named) named = SSL_set1_host(ssl, host.c_str()) == 1 && SSL_set_tlsext_host_name(ssl, host.c_str()) == 1;
  if (!named) {
    SSL_free(ssl);
    return nullptr;
  }
  return std::unique_ptr<TlsSession>(new TlsSession(ssl, socket));
}

}  // namespace licet::http
