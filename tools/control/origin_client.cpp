// SPDX-License-Identifier: LGPL-2.1-or-later
#include "origin_client.h"

#include <common/unix_listener.h>
#include <gio/gunixsocketaddress.h>

namespace headgate::control {
namespace {

struct Asked {
  OriginClient::OnAnswer done;
  SoupMessage* message;
};

void on_answer(GObject* session, GAsyncResult* result, gpointer data) {
  auto* asked = static_cast<Asked*>(data);
  GError* error = nullptr;
  GBytes* bytes = soup_session_send_and_read_finish(SOUP_SESSION(session), result, &error);
  if (bytes) {
    gsize size = 0;
    const void* body = g_bytes_get_data(bytes, &size);
    asked->done(soup_message_get_status(asked->message),
                std::string(static_cast<const char*>(body ? body : ""), size));
    g_bytes_unref(bytes);
  } else if (!g_error_matches(error, G_IO_ERROR, G_IO_ERROR_CANCELLED)) {
    asked->done(0, error->message);
  }
  g_clear_error(&error);
  g_object_unref(asked->message);
  delete asked;
}

}  // namespace

OriginClient::OriginClient(const std::string& runtime_dir) : cancellable_(g_cancellable_new()) {
  GSocketAddress* address = g_unix_socket_address_new((runtime_dir + "/" + tools::kOriginHttpSocket).c_str());
  session_ =
      soup_session_new_with_options("remote-connectable", address, "timeout", kOriginTimeoutS, "max-conns",
                                    kOriginConnections, "max-conns-per-host", kOriginConnections, nullptr);
  g_object_unref(address);
}

OriginClient::~OriginClient() {
  g_cancellable_cancel(cancellable_);
  soup_session_abort(session_);
  g_object_unref(session_);
  g_object_unref(cancellable_);
}

void OriginClient::get(const std::string& path, OnAnswer done) {
  SoupMessage* message = soup_message_new("GET", ("http://localhost" + path).c_str());
  if (!message) return done(0, "no such address");
  soup_session_send_and_read_async(session_, message, G_PRIORITY_DEFAULT, cancellable_, on_answer,
                                   new Asked{std::move(done), message});
}

}  // namespace headgate::control
