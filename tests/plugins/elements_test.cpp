// SPDX-License-Identifier: LGPL-2.1-or-later
// What is true of every element: states, properties, documentation.
#include "plugin_test.h"
#include "publisher.h"

namespace headgate::test {
namespace {

class Element : public ::testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    element_ = gst::Ref<GstElement>::adopt(
        GST_ELEMENT(gst_object_ref_sink(gst_element_factory_make(GetParam(), nullptr))));
    ASSERT_TRUE(element_);
    for (const char* folder : {"root", "location"})
      if (g_object_class_find_property(G_OBJECT_GET_CLASS(element_.get()), folder))
        g_object_set(element_.get(), folder, scratch_.path().c_str(), nullptr);
    if (g_object_class_find_property(G_OBJECT_GET_CLASS(element_.get()), "keys"))
      g_object_set(element_.get(), "uri", "rtmp://127.0.0.1:0/live", "keys", keys_.folder().c_str(), nullptr);
  }
  ~Element() override {
    if (element_) gst_element_set_state(element_.get(), GST_STATE_NULL);
  }
  gst::Ref<GstElement> element_;
  ScratchDirectory scratch_;
  const Keys keys_;
};

TEST_P(Element, GoesThroughAllStatesAgainAndAgain) {
  for (int round = 0; round < 50; ++round)
    for (const GstState state : {GST_STATE_PLAYING, GST_STATE_PAUSED, GST_STATE_PLAYING, GST_STATE_READY,
                                 GST_STATE_PAUSED, GST_STATE_NULL}) {
      ASSERT_NE(gst_element_set_state(element_.get(), state), GST_STATE_CHANGE_FAILURE) << round;
      ASSERT_NE(gst_element_get_state(element_.get(), nullptr, nullptr, 0), GST_STATE_CHANGE_ASYNC) << round;
    }
}

TEST_P(Element, GoesThroughAllStatesWithRequestedPads) {
  std::vector<std::string> names;
  const GList* templates = gst_element_class_get_pad_template_list(GST_ELEMENT_GET_CLASS(element_.get()));
  for (; templates; templates = templates->next) {
    auto* templ = static_cast<GstPadTemplate*>(templates->data);
    if (templ->presence == GST_PAD_REQUEST) names.push_back(templ->name_template);
  }
  for (int round = 0; round < 10; ++round) {
    for (const std::string& name : names) {
      if (name == "records") continue;  // not beside the others
      GstPad* pad = gst_element_request_pad_simple(element_.get(), name.c_str());
      ASSERT_TRUE(pad) << name;
      const bool raw = name.rfind("raw_", 0) == 0;  // of which a ladder is made
      if (raw) g_object_set(element_.get(), "rungs", "144p@120k,audio@64k", nullptr);
      ASSERT_NE(gst_element_set_state(element_.get(), GST_STATE_PLAYING), GST_STATE_CHANGE_FAILURE);
      if (round % 2) gst_element_set_state(element_.get(), GST_STATE_NULL);
      gst_element_release_request_pad(element_.get(), pad);
      gst_object_unref(pad);
      gst_element_set_state(element_.get(), GST_STATE_NULL);
      EXPECT_EQ(element_->numsinkpads, 0) << name;
      if (raw) g_object_set(element_.get(), "rungs", nullptr, nullptr);
    }
  }
}

TEST_P(Element, KeepsItsProperties) {
  guint count = 0;
  GParamSpec** specs = g_object_class_list_properties(G_OBJECT_GET_CLASS(element_.get()), &count);
  for (guint i = 0; i < count; ++i) {
    const GParamSpec* spec = specs[i];
    if (spec->owner_type != G_OBJECT_TYPE(element_.get())) continue;
    EXPECT_GT(std::string(g_param_spec_get_blurb(specs[i])).size(), 10u) << spec->name;
    if (!(spec->flags & G_PARAM_READABLE) || !(spec->flags & G_PARAM_WRITABLE)) continue;
    EXPECT_TRUE(spec->flags & GST_PARAM_MUTABLE_READY) << spec->name;
    GValue value = G_VALUE_INIT, back = G_VALUE_INIT;
    g_value_init(&value, spec->value_type);
    g_value_init(&back, spec->value_type);
    if (spec->value_type == G_TYPE_STRING)
      g_value_set_string(&value, "some-text");
    else if (spec->value_type == G_TYPE_BOOLEAN)
      g_value_set_boolean(&value, TRUE);
    else if (spec->value_type == G_TYPE_UINT)
      g_value_set_uint(&value, reinterpret_cast<const GParamSpecUInt*>(spec)->maximum);
    else if (spec->value_type == G_TYPE_UINT64)
      g_value_set_uint64(&value, reinterpret_cast<const GParamSpecUInt64*>(spec)->maximum);
    else if (spec->value_type == G_TYPE_DOUBLE)
      g_value_set_double(&value, reinterpret_cast<const GParamSpecDouble*>(spec)->minimum);
    else
      ADD_FAILURE() << spec->name << ": a type that this test does not know";
    g_object_set_property(G_OBJECT(element_.get()), spec->name, &value);
    g_object_get_property(G_OBJECT(element_.get()), spec->name, &back);
    EXPECT_EQ(gst_value_compare(&value, &back), GST_VALUE_EQUAL) << spec->name;
    g_value_unset(&value);
    g_value_unset(&back);
  }
  g_free(specs);
}

TEST_P(Element, IsDocumented) {
  GstElementClass* klass = GST_ELEMENT_GET_CLASS(element_.get());
  for (const char* key :
       {GST_ELEMENT_METADATA_LONGNAME, GST_ELEMENT_METADATA_KLASS, GST_ELEMENT_METADATA_DESCRIPTION})
    EXPECT_TRUE(gst_element_class_get_metadata(klass, key)) << key;
  EXPECT_STREQ(gst_element_class_get_metadata(klass, GST_ELEMENT_METADATA_AUTHOR), "Headgate developers");
  const auto plugin = gst::Ref<GstPlugin>::adopt(
      gst_plugin_feature_get_plugin(GST_PLUGIN_FEATURE(gst_element_get_factory(element_.get()))));
  EXPECT_STREQ(gst_plugin_get_license(plugin.get()), "LGPL");
}

INSTANTIATE_TEST_SUITE_P(Headgate, Element,
                         ::testing::Values("ticketsrc", "healthprobe", "segmentarchiver", "abrhlssink"),
                         [](const auto& info) { return std::string(info.param); });

TEST(Settings, AnArchiveWithoutARootIsAnError) {
  Pipeline pipeline("segmentarchiver");
  EXPECT_EQ(gst_element_set_state(pipeline.get(), GST_STATE_PLAYING), GST_STATE_CHANGE_FAILURE);
  EXPECT_TRUE(pipeline.wait(Pipeline::is_type(GST_MESSAGE_ERROR)));
}

TEST(Settings, ARootThatCannotBeWrittenIsAnError) {
  Pipeline pipeline("segmentarchiver root=/proc/nothing");
  EXPECT_EQ(gst_element_set_state(pipeline.get(), GST_STATE_PLAYING), GST_STATE_CHANGE_FAILURE);
  EXPECT_TRUE(pipeline.wait(Pipeline::is_type(GST_MESSAGE_ERROR)));
}

class BadSource : public ::testing::TestWithParam<const char*> {};
TEST_P(BadSource, IsAnErrorWithAReason) {
  Pipeline pipeline(GetParam());
  EXPECT_EQ(gst_element_set_state(pipeline.get(), GST_STATE_PLAYING), GST_STATE_CHANGE_FAILURE);
  EXPECT_TRUE(pipeline.wait(Pipeline::is_type(GST_MESSAGE_ERROR)));
}
INSTANTIATE_TEST_SUITE_P(Settings, BadSource,
                         ::testing::Values("ticketsrc", "ticketsrc uri=rtmp://127.0.0.1:0/live",
                                           "ticketsrc uri=rtmp://127.0.0.1:0/live keys=/nonexistent",
                                           "ticketsrc uri=http://127.0.0.1:0/ keys=/tmp",
                                           "ticketsrc uri=rtmp://127.0.0.1:123456/ keys=/tmp",
                                           "ticketsrc uri=rtmp://127.0.0.1:x/ keys=/tmp"));

}  // namespace
}  // namespace headgate::test
