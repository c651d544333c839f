# What OCTET_SMALL compiles for speed: all kernels, and the files below; everything else is compiled by its
# size. A file belongs here when code of its own, not of a kernel that it calls, takes time while ordinary
# networks run: what is done for every node of every run, or loops over a tensor's elements.
set(OCTET_FAST_OPS batch_normalization cumulative dynamic_quantize_linear gather gather_elements
  glu layer_normalization logical one_hot quantize_linear scatter where
  common/codes common/conv_f32 common/conv_s8 common/element_conversion common/fused_attention_f32
  common/fused_attention_s8 common/fused_attention_step common/integer_product
  common/lengthened_rows common/movement common/pieces common/product common/product_f32
  common/product_s8 common/recurrent_projection common/recurrent_step common/resample_pass
  common/row_product common/selection common/strided)
set(OCTET_FAST_IR digest memory stop tensor)
set(OCTET_FAST_RUNTIME memory/growing session/execution session/program session/step_context threads/pool)
set(OCTET_FAST_API run)

# octet_fast(FOLDER NAME...): FOLDER/NAME.cpp is compiled for speed in a target that is made small.
function(octet_fast folder)
  if(OCTET_SMALL)
    foreach(_name IN LISTS ARGN)
      set_property(SOURCE ${folder}/${_name}.cpp APPEND PROPERTY COMPILE_OPTIONS -O2 ${OCTET_FAST_OPTIONS})
    endforeach()
  endif()
endfunction()
