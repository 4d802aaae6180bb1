// SPDX-License-Identifier: LGPL-2.1-or-later
// Processes that die of a signal, and what they leave.
#include <gst/gst.h>
#include <gtest/gtest.h>
#include <pipeline/build.h>
#include <sys/wait.h>
#include <unistd.h>
#include <worker/session_marks.h>

#include <atomic>
#include <csignal>

namespace headgate::worker {
namespace {

constexpr uint64_t kSession = 7;

void ignore_property(GObject*, guint, const GValue*, GParamSpec*) {}

// A source as far as marks are concerned.
GstElement* make_source() {
  static const GType type = g_type_register_static_simple(
      GST_TYPE_BIN, "HeadgateMarkedSource", sizeof(GstBinClass),
      [](gpointer klass, gpointer) {
        G_OBJECT_CLASS(klass)->set_property = ignore_property;
        g_object_class_install_property(
            G_OBJECT_CLASS(klass), 1,
            g_param_spec_pointer("service-word", "Service word", "As ticketsrc has it", G_PARAM_WRITABLE));
      },
      sizeof(GstBin), [](GTypeInstance*, gpointer) {}, static_cast<GTypeFlags>(0));
  return GST_ELEMENT(g_object_new(type, "name", pipeline::kSourceName, nullptr));
}

class SessionMarksTest : public testing::TestWithParam<int> {
 protected:
  static void SetUpTestSuite() { gst_init(nullptr, nullptr); }
};

TEST_P(SessionMarksTest, WhoseThreadGotADeadlySignalIsNotedAndItIsStillDeadly) {
  SessionMarks marks(4);
  const pipeline::PipelinePtr pipeline(GST_ELEMENT(gst_object_ref_sink(gst_pipeline_new(nullptr))));
  gst_bin_add(GST_BIN(pipeline.get()), make_source());
  wire::Handoff handoff;
  for (const uint64_t session : {kSession, kSession + 1}) {
    handoff.session = session;
    marks.begin(pipeline.get(), handoff);
  }
  const pid_t pid = ::fork();
  if (pid == 0) {
    marks.note_crashes();
    SessionMarks::own_thread(kSession);
    ::raise(GetParam());
    // What a memory error does again by itself; after a trap or a refused call nothing would.
    if (GetParam() != SIGTRAP && GetParam() != SIGSYS) ::raise(GetParam());
    std::_Exit(0);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(pid, &status, 0), pid);
  EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == GetParam()) << status;
  const auto read = wire::read_marks(marks.fd());
  ASSERT_TRUE(read && read->size() == 2);
  for (const wire::Mark& mark : *read) EXPECT_EQ(mark.crashed, mark.session == kSession);
}

INSTANTIATE_TEST_SUITE_P(Deadly, SessionMarksTest,
                         testing::Values(SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGSYS, SIGTRAP));

}  // namespace
}  // namespace headgate::worker
