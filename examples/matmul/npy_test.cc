// SPDX-License-Identifier: BSD-3-Clause

#include "aml/examples/matmul/npy.h"

#include <cstdint>
#include <cstring>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace {

using testing::HasSubstr;

/** A file's start as NumPy writes it, around any text. */
std::string WithText(const std::string &text, int version = 1) {
  std::string file = "\x93NUMPY";
  file += static_cast<char>(version);
  file += '\0';
  for (int i = 0; i < (version == 1 ? 2 : 4); ++i)
    file += static_cast<char>(text.size() >> (8 * i));
  return file + text;
}

std::string Shape(const std::string &shape) {
  return WithText("{'descr': '<f8', 'fortran_order': False, 'shape': " + shape + ", }\n");
}

std::string Type(const std::string &type) {
  return WithText("{'descr': " + type + ", 'fortran_order': False, 'shape': (3, 4), }\n");
}

/** Why a file is refused; empty if it is not. */
std::string Reason(const std::string &file) {
  npy_header header;
  std::memset(&header, 0x5a, sizeof header);
  const npy_header before = header;
  const char *reason = npy_parse(file.data(), file.size(), &header);
  if (reason == nullptr)
    return "";
  EXPECT_EQ(std::memcmp(&before, &header, sizeof header), 0) << "a failure changed the result";
  return reason;
}

npy_header Parsed(const std::string &file) {
  npy_header header = {};
  EXPECT_EQ(npy_parse(file.data(), file.size(), &header), nullptr);
  return header;
}

TEST(MatmulNpy, ReadsEachVersion) {
  for (int version = 1; version <= 3; ++version) {
    const std::string file =
        WithText("{'descr': '<f4', 'fortran_order': True, 'shape': (3, 4), }   \n", version);
    const npy_header header = Parsed(file + "data");
    EXPECT_EQ(header.rows, 3u);
    EXPECT_EQ(header.columns, 4u);
    EXPECT_EQ(header.element_size, 4u);
    EXPECT_TRUE(header.fortran_order);
    EXPECT_EQ(header.data_offset, file.size());
  }
}

TEST(MatmulNpy, ReadsWhatPythonWouldRead) {
  const npy_header header =
      Parsed(WithText(" {\t\"shape\" :(12L,\n0 ) ,'fortran_order':False, \"descr\": '<f8'}"));
  EXPECT_EQ(header.rows, 12u);
  EXPECT_EQ(header.columns, 0u);
  EXPECT_EQ(header.element_size, 8u);
  EXPECT_FALSE(header.fortran_order);
}

TEST(MatmulNpy, ReadsWhatItWrites) {
  for (const size_t size : {size_t{0}, size_t{1}, size_t{3037000499}}) {
    for (const size_t element : {size_t{4}, size_t{8}}) {
      const npy_header header = {1, size, element, size == 1, 0};
      char bytes[NPY_HEADER_SIZE];
      npy_format(&header, bytes);
      const npy_header again = Parsed(std::string(bytes, sizeof bytes));
      EXPECT_EQ(again.rows, 1u);
      EXPECT_EQ(again.columns, size);
      EXPECT_EQ(again.element_size, element);
      EXPECT_EQ(again.fortran_order, size == 1);
      EXPECT_EQ(again.data_offset, size_t{NPY_HEADER_SIZE});
    }
  }
}

TEST(MatmulNpy, TheLargestShapeFitsTheHeaderThatIsWritten) {
  const npy_header header = {SIZE_MAX, SIZE_MAX, 8, false, 0};
  char bytes[NPY_HEADER_SIZE];
  npy_format(&header, bytes);
  EXPECT_EQ(bytes[NPY_HEADER_SIZE - 1], '\n');
  EXPECT_THAT(std::string(bytes, sizeof bytes), HasSubstr("(18446744073709551615, "
                                                          "18446744073709551615), }"));
}

TEST(MatmulNpy, EveryTruncationIsRefused) {
  for (int version = 1; version <= 3; ++version) {
    const std::string file =
        WithText("{'descr': '<f8', 'fortran_order': False, 'shape': (3, 4), }", version);
    for (size_t size = 0; size < file.size(); ++size)
      EXPECT_NE(Reason(file.substr(0, size)), "") << size;
    EXPECT_THAT(Reason(file.substr(0, file.size() - 1)), HasSubstr("truncated"));
  }
}

TEST(MatmulNpy, OtherFilesAreRefused) {
  EXPECT_THAT(Reason(""), HasSubstr("no .npy file"));
  EXPECT_THAT(Reason("PK\3\4 an archive of arrays"), HasSubstr("no .npy file"));
  std::string file = Shape("(3, 4)");
  file[6] = 4;
  EXPECT_THAT(Reason(file), HasSubstr("version"));
  file[6] = 0;
  EXPECT_THAT(Reason(file), HasSubstr("version"));
  file[6] = 1;
  file[7] = 1;
  EXPECT_THAT(Reason(file), HasSubstr("version"));
}

TEST(MatmulNpy, AHugeHeaderLengthIsRefused) {
  std::string file = WithText("{}", 2);
  for (const char last : {'\x00', '\x7f', '\xff'}) {
    file[10] = '\xff';
    file[11] = last;
    EXPECT_THAT(Reason(file + std::string(1 << 17, ' ')), HasSubstr("longer than 64 KiB"));
  }
}

TEST(MatmulNpy, AHeaderOf64KiBIsRead) {
  const std::string dictionary = "{'descr': '<f8', 'fortran_order': False, 'shape': (3, 4)}";
  const std::string spaces(65535 - dictionary.size(), ' ');
  EXPECT_EQ(Parsed(WithText(dictionary + spaces)).data_offset, 65545u);
}

TEST(MatmulNpy, OtherTypesAreRefused) {
  EXPECT_THAT(Reason(Type("'>f8'")), HasSubstr("big-endian"));
  EXPECT_THAT(Reason(Type("'>i4'")), HasSubstr("big-endian"));
  for (const char *type : {"'<f2'", "'<i8'", "'|b1'", "'<c16'", "'|O'", "''", "'<f88'", "'f8'"})
    EXPECT_THAT(Reason(Type(type)), HasSubstr("another type")) << type;
  EXPECT_THAT(Reason(Type("[('a', '<f8')]")), HasSubstr("structured"));
}

TEST(MatmulNpy, OtherShapesAreRefused) {
  for (const char *shape : {"()", "(3,)", "(3, 4, 5)", "(1, 2, 3, 4, 5, 6, 7, 8, 9)"})
    EXPECT_THAT(Reason(Shape(shape)), HasSubstr("two dimensions")) << shape;
  EXPECT_THAT(Reason(Shape("(-3, 4)")), HasSubstr("negative"));
  EXPECT_THAT(Reason(Shape("(3, -1)")), HasSubstr("negative"));
  for (const char *shape : {"(3)", "3", "[3, 4]", "(3 4)", "(3, 4", "(, 3)", "(3,, 4)", "(3.0, 4)",
                            "(0x3, 4)", "(None, 4)", "(3, 4))"})
    EXPECT_THAT(Reason(Shape(shape)), HasSubstr("dictionary")) << shape;
}

TEST(MatmulNpy, ShapesThatOverflowAreRefused) {
  for (const char *shape :
       {"(18446744073709551616, 1)", "(99999999999999999999999999, 0)", "(4294967296, 4294967296)",
        "(2305843009213693952, 1)", "(1152921504606846975, 1)", "(1, 18446744073709551615)"})
    EXPECT_THAT(Reason(Shape(shape)), HasSubstr("larger than any file")) << shape;
}

TEST(MatmulNpy, BadDictionariesAreRefused) {
  const char *const texts[] = {
      "",
      "{",
      "{}",
      "None",
      "{'descr': '<f8', 'fortran_order': False}",
      "{'descr': '<f8', 'shape': (3, 4)}",
      "{'fortran_order': False, 'shape': (3, 4)}",
      "{'descr': '<f8', 'fortran_order': 0, 'shape': (3, 4)}",
      "{'descr': '<f8', 'fortran_order': False, 'shape': (3, 4), 'shape': (3, 4)}",
      "{'descr': '<f8', 'fortran_order': False, 'shape': (3, 4), 'more': 1}",
      "{'descr': '<f8', 'fortran_order': False, 'shape': (3, 4)} + 1",
      "{'descr': '<f8', 'fortran_order': False, 'shape': (3, 4)}}",
      "{'descr': '<f8' 'fortran_order': False, 'shape': (3, 4)}",
      "{'descr': '<f8', 'fortran_order': False, 'shape: (3, 4)}",
      "{'descr': '\\x3cf8', 'fortran_order': False, 'shape': (3, 4)}",
      "{descr: '<f8', 'fortran_order': False, 'shape': (3, 4)}",
      "{'descr': <f8, 'fortran_order': False, 'shape': (3, 4)}",
      "{'descr': '<f8', 'fortran_order': False, 'shape': (3, 4)",
      "{'descr",
  };
  for (const char *text : texts)
    EXPECT_THAT(Reason(WithText(text)), HasSubstr("dictionary")) << text;
  EXPECT_THAT(Reason(WithText(std::string("{'descr': '<f8'\0", 16))), HasSubstr("dictionary"));
}

TEST(MatmulNpy, DataSizeIsExactOrRefused) {
  size_t size = 1;
  const npy_header fits = {3, 4, 8, false, 0};
  EXPECT_TRUE(npy_data_size(&fits, &size));
  EXPECT_EQ(size, 96u);
  const npy_header empty = {SIZE_MAX, 0, 8, false, 0};
  EXPECT_TRUE(npy_data_size(&empty, &size));
  EXPECT_EQ(size, 0u);
  size = 7;
  const npy_header large = {size_t{1} << 31, size_t{1} << 30, 8, false, 0};
  EXPECT_FALSE(npy_data_size(&large, &size));
  EXPECT_EQ(size, 7u);
}

} // namespace
